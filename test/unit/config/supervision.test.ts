import { expect, test } from "vitest";
import { supervisionOf } from "../../../src/config/supervision.ts";

test("where the service manager listens, and how patient it is", () => {
  expect(supervisionOf({ NOTIFY_SOCKET: "/run/systemd/notify" }, 42)).toEqual({
    socket: "/run/systemd/notify",
    watchdogMs: undefined,
  });
  const env = { NOTIFY_SOCKET: "@abstract", WATCHDOG_USEC: "60000000", WATCHDOG_PID: "42" };
  expect(supervisionOf(env, 42)).toEqual({ socket: "@abstract", watchdogMs: 60_000 });
});

test("a watchdog of another process is not ours", () => {
  const env = { NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "60000000", WATCHDOG_PID: "41" };
  expect(supervisionOf(env, 42)?.watchdogMs).toBeUndefined();
});

test.each([{}, { NOTIFY_SOCKET: "" }, { NOTIFY_SOCKET: "/" }, { NOTIFY_SOCKET: "vsock:2:1234" }])(
  "nobody listens: %j",
  (env) => {
    expect(supervisionOf(env, 42)).toBeUndefined();
  },
);

test.each(["", "0", "soon", "-1"])("a watchdog that says %j is none", (usec) => {
  expect(supervisionOf({ NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: usec }, 42)?.watchdogMs).toBe(
    undefined,
  );
});
