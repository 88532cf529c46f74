/** The agent under a service manager: what that hears over one life. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { testFolder } from "../support/folder.ts";
import { notifySocket } from "../support/notify-socket.ts";
import { Relay } from "../support/relay.ts";
import { until } from "../support/until.ts";

test("it is ready when it takes mail, says that it reloads, and that it stops", async () => {
  const socket = join(await testFolder(), "notify");
  using ear = notifySocket(socket);
  const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "60000000" };
  const relay = await Relay.prepare({ env });
  expect(ear.heard()).toEqual([]);
  await relay.up();
  const first = (start: string) => ear.heard().findIndex((message) => message.startsWith(start));
  expect(ear.heard()[0]).toMatch(/^READY=1\nSTATUS=0 messages in custody/);
  await until("a sign of life came", () => first("WATCHDOG=1") > 0);
  process.kill(relay.processId, "SIGHUP");
  const reloading = await until("it says that it reloads", () => Math.max(first("RELOADING=1\n"), 0));
  await until("it is ready again", () => ear.heard().slice(reloading).join().includes("READY=1"));
  expect(await relay.down()).toBe(0);
  expect(ear.heard().at(-2)).toMatch(/^STOPPING=1\n/);
});
