/**
 * What a start finds and a stop leaves: other clocks, another config, folders that cannot be used, a stop that comes at
 * once.
 */

import { mkdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { QueueRow } from "../../src/control/queue-view.ts";
import { EmbeddedRedis } from "../../src/queue/embedded-redis.ts";
import { testFolder } from "../support/folder.ts";
import { Relay } from "../support/relay.ts";
import { alive } from "../support/relay-process.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const DAY_MS = 86_400_000;
const NEWS = { from: "bounces@lab.example", data: "From: news@lab.example\r\nSubject: s1\r\n\r\nbody\r\n" };

/** Waits until the only message has this state in Redis too: `held` is deferred there. */
async function settledAs(relay: Relay, state: QueueRow["state"]): Promise<void> {
  await until(`it is ${state}`, async () => {
    const rows: QueueRow[] = JSON.parse((await relay.command("queue", "list", "--json")).stdout);
    return rows[0]?.state === state;
  });
  await new Promise((resolve) => setTimeout(resolve, 300)); // its job follows the file
}

test("SIGTERM right after the start ends the process, and no Redis is left behind", async () => {
  for (let n = 0; n < 4; n++) {
    const relay = await Relay.prepare({ config: "stopTimeout: 2s" });
    await relay.up();
    await new Promise((resolve) => setTimeout(resolve, 20 + n * 15));
    const late = new Promise((resolve) => setTimeout(() => resolve("it hangs"), 10_000).unref());
    const code = await Promise.race([relay.down(), late]);
    if (code === "it hangs") process.kill(relay.processId, "SIGKILL");
    expect([n, code]).toEqual([n, 0]);
    const redis = await relay.redisProcess();
    await until("its Redis is gone", () => redis === undefined || !alive(redis));
  }
});

test("a folder of the state that cannot be used ends the start with a sentence and exit code 69", async () => {
  const relay = await Relay.prepare();
  for (const name of ["journal", "spool"]) {
    const path = join(relay.stateDir, name);
    await mkdir(relay.stateDir, { recursive: true, mode: 0o700 });
    await rm(path, { recursive: true, force: true });
    await writeFile(path, "a file in the place of the folder");
    const { code, stdout, stderr } = await relay.command("run");
    expect([name, code]).toEqual([name, 69]);
    expect(stderr).toContain(path);
    expect(`${stdout}${stderr}`).not.toContain("    at "); // no stack
    await rm(path);
  }
});

test("mail of a pair that was stopped goes at once when the config was changed while sluice was down", async () => {
  const relay = await Relay.start({ fail: ["mail:bounces@lab.example=550 5.7.1 sender not authorized"] });
  await submit(relay.port, NEWS);
  await until("the alarm", () => relay.events("breaker-opened")[0]);
  await settledAs(relay, "held");
  await relay.down();
  relay.setFaults();
  const later = new Date(Date.now() + 1000);
  await utimes(relay.configFile, later, later);
  await relay.up();
  await until("it arrived", () => relay.arrived.length === 1, 10_000);
});

test("mail that was deferred goes at its time although the clock was set back a day while sluice was down", async () => {
  const relay = await Relay.prepare({
    clock: "test",
    config: "retry: { first: 2s, max: 2s, expireAfter: 4d }",
    fail: ["rcpt#1=451 4.7.1 greylisted"],
  });
  await relay.jumpClock({ wallMs: DAY_MS });
  await relay.up();
  await submit(relay.port, NEWS);
  await until("deferred", () => relay.events("deferred").length === 1);
  await relay.down();
  await relay.jumpClock({ wallMs: -DAY_MS });
  await relay.up();
  await until("it arrived", () => relay.arrived.length === 1);
});

test("a stop right after the start ends the process, with an external Redis too", async () => {
  const folder = await testFolder();
  const socket = join(folder, "shared.sock");
  const server = await EmbeddedRedis.start({ folder, socket, maxMemoryBytes: 64 << 20, report: () => {} });
  onTestFinished(() => server.stop());
  const relay = await Relay.prepare({ redis: `redis: "unix://${socket}"` });
  for (const delayMs of [0, 0, 20, 60, 0]) {
    await relay.up();
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    expect(await relay.down()).toBe(0); // a hang ends with the test's time
  }
});
