/** What a service manager hears, on a real socket. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openServiceManager } from "../../../src/observe/service-manager.ts";
import { type SupervisedParts, supervised } from "../../../src/observe/supervised.ts";
import { testFolder } from "../../support/folder.ts";
import { notifySocket } from "../../support/notify-socket.ts";
import { until } from "../../support/until.ts";

const reported: Record<string, unknown>[] = [];

function parts(change: Partial<SupervisedParts> = {}) {
  return {
    status: () => "0 messages in custody; mail flows",
    tryWrite: async () => {},
    events: { report: (event: string, fields: object) => void reported.push({ event, ...fields }) },
    ...change,
  };
}

const failing = (code: string) => async () => {
  throw Object.assign(new Error(code), { code });
};

beforeEach(() => {
  reported.length = 0;
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => void vi.useRealTimers());

test.each(["a path", "an abstract name"])("it is told at %s", async (kind) => {
  const name = join(await testFolder(), "notify");
  const socket = kind === "a path" ? name : `@${name}`;
  using ear = notifySocket(socket);
  using manager = await openServiceManager(socket);
  expect(manager.tell("READY=1", "STATUS=ü")).toBe(true);
  expect(ear.heard()).toEqual(["READY=1\nSTATUS=ü"]);
});

test("a name longer than the kernel takes is refused with a sentence", async () => {
  await expect(openServiceManager(`/${"x".repeat(108)}`)).rejects.toThrow("has at most 108 bytes");
});

test("no socket is left open, and nothing is told when nobody listens", async () => {
  const sockets = () => readdirSync("/proc/self/fd").length;
  const [socket, before] = [join(await testFolder(), "notify"), sockets()];
  {
    using manager = await openServiceManager(socket);
    expect(sockets()).toBe(before + 1);
    expect(manager.tell("READY=1")).toBe(false);
  }
  expect(sockets()).toBe(before);
});

test("ready, reloading, ready again, stopping with the time it may take", async () => {
  const socket = join(await testFolder(), "notify");
  using ear = notifySocket(socket);
  using service = await supervised({ socket, watchdogMs: undefined }, parts());
  service.ready();
  await service.reloading(async () => {
    expect(ear.heard().at(-1)).toMatch(/^RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=reading the config$/);
  });
  service.stopping(30_000);
  const ready = "READY=1\nSTATUS=0 messages in custody; mail flows";
  expect(ear.heard()).toEqual([
    ready,
    expect.stringContaining("RELOADING=1"),
    ready,
    "STOPPING=1\nSTATUS=finishing what is in hand",
    "EXTEND_TIMEOUT_USEC=45000000",
  ]);
});

test("the status is told when it changes, and only then", async () => {
  const socket = join(await testFolder(), "notify");
  using ear = notifySocket(socket);
  let status = "one";
  using service = await supervised({ socket, watchdogMs: undefined }, parts({ status: () => status }));
  service.ready();
  vi.advanceTimersByTime(20_000);
  status = "two";
  vi.advanceTimersByTime(5000);
  expect(ear.heard()).toEqual(["READY=1\nSTATUS=one", "READY=1\nSTATUS=two"]);
});

test("what could not be told is told again", async () => {
  const socket = join(await testFolder(), "notify");
  using service = await supervised({ socket, watchdogMs: undefined }, parts());
  service.ready();
  using ear = notifySocket(socket);
  vi.advanceTimersByTime(5000);
  expect(ear.heard()).toEqual([expect.stringContaining("READY=1")]);
});

const signs = (heard: readonly string[]) => heard.filter((message) => message === "WATCHDOG=1").length;

test("a sign of life is given at once and twice in the watchdog's time, as long as the spool takes writes", async () => {
  const socket = join(await testFolder(), "notify");
  using ear = notifySocket(socket);
  let tryWrite: () => Promise<void> = async () => {};
  using service = await supervised({ socket, watchdogMs: 60_000 }, parts({ tryWrite: () => tryWrite() }));
  service.ready();
  await until("one came", () => signs(ear.heard()) === 1);
  vi.advanceTimersByTime(30_000);
  await until("another came", () => signs(ear.heard()) === 2);
  tryWrite = failing("ENOSPC"); // a restart makes no room
  vi.advanceTimersByTime(30_000);
  await until("one came from a full disk", () => signs(ear.heard()) === 3);
  tryWrite = failing("EIO");
  vi.advanceTimersByTime(30_000);
  await until("it was told", () => reported.length === 1);
  vi.advanceTimersByTime(30_000);
  expect(reported).toMatchObject([{ event: "trouble", part: "watchdog" }]);
  expect(signs(ear.heard())).toBe(3);
});

test("a disk that does not answer gives no sign of life, and is asked once", async () => {
  const socket = join(await testFolder(), "notify");
  using ear = notifySocket(socket);
  const tryWrite = vi.fn(() => new Promise<void>(() => {}));
  using service = await supervised({ socket, watchdogMs: 60_000 }, parts({ tryWrite }));
  service.ready();
  vi.advanceTimersByTime(300_000);
  expect(tryWrite).toHaveBeenCalledTimes(1);
  expect(signs(ear.heard())).toBe(0);
});

test("without a service manager nothing is told, looked at or complained of", async () => {
  const tryWrite = vi.fn(async () => {});
  using service = await supervised(undefined, parts({ tryWrite }));
  service.ready();
  await service.reloading(async () => {});
  service.stopping(1000);
  vi.advanceTimersByTime(300_000);
  expect(tryWrite).not.toHaveBeenCalled();
  expect(reported).toEqual([]);
});

test("one that cannot be reached is told of, and the agent goes on", async () => {
  using service = await supervised({ socket: `/${"x".repeat(108)}`, watchdogMs: 1000 }, parts());
  service.ready();
  expect(reported).toMatchObject([{ event: "trouble", part: "supervision" }]);
});
