/**
 * The fault table, processes: signals in a storm, and a second agent on the same Redis, port or state folder. SIGTERM
 * under load, said twice, is in test/crash/kill.test.ts; the second agent on one state folder in custody.test.ts; a
 * clone that shares our Redis in instance.test.ts.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { EmbeddedRedis } from "../../src/queue/embedded-redis.ts";
import { testFolder } from "../support/folder.ts";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const SIGNALS = 50;
const MESSAGES = 100;

const named = (n: number) => ({ data: `Subject: m${n}\r\n\r\nbody\r\n` });
const spool = (relay: Relay) => readdir(join(relay.stateDir, "spool"));

/** Changes the config file of a relay for its next start. */
async function changedConfig(relay: Relay, from: string | RegExp, to: string): Promise<void> {
  const text = await readFile(relay.configFile, "utf8");
  expect(text).toMatch(from);
  await writeFile(relay.configFile, text.replace(from, to));
}

test("a storm of SIGHUP under load, with good and bad configs in turn, loses nothing and gives each message one config", async () => {
  const pair = { envelope: "other@lab.example", header: "other@lab.example" };
  const rule = (to: string) => `senders: { rewrite: [{ match: "*@app01.internal", to: ${to} }] }`;
  const senders = ["other@lab.example"];
  const relay = await Relay.start({
    fail: ["dot=delay 5ms"],
    pairs: [pair],
    senders,
    config: rule("app@lab.example"),
  });
  const good = await readFile(relay.configFile, "utf8");
  const other = good.replace(rule("app@lab.example"), rule("other@lab.example"));
  expect(other).not.toBe(good);
  const cron = (n: number) => ({
    from: "cron@app01.internal",
    data: `From: cron@app01.internal\r\nSubject: m${n}\r\n\r\nbody\r\n`,
  });
  const sending = Array.from({ length: 4 }, async (_, client) => {
    for (let n = client; n < MESSAGES; n += 4) expect((await submit(relay.port, cron(n))).code).toBe(250);
  });
  for (let n = 0; n < SIGNALS; n++) {
    await writeFile(relay.configFile, [good, "accounts: [", other][n % 3] as string);
    process.kill(relay.processId, "SIGHUP");
    await sleep(10); // what is tested: signals all the time
  }
  await Promise.all(sending);
  await until("all arrived", () => relay.arrived.length >= MESSAGES, 30_000);
  await until("the spool is empty", async () => (await spool(relay)).length === 0);
  const wanted = Array.from({ length: MESSAGES }, (_, n) => `m${n}`).sort();
  expect(relay.arrived.map(({ subject }) => subject).sort()).toEqual(wanted);
  for (const { sender, headerFrom } of relay.arrived) expect(headerFrom).toContain(sender);
  expect(relay.events("reloaded").length).toBeGreaterThan(0); // both were heard
  expect(relay.events("trouble").some(({ part }) => part === "config")).toBe(true);
  expect(relay.events("stopping")).toEqual([]);
});

test("two agents on one Redis that use one credential keep the cap together", async () => {
  const folder = await testFolder();
  const socket = join(folder, "shared.sock");
  const server = await EmbeddedRedis.start({ folder, socket, maxMemoryBytes: 64 << 20, report: () => {} });
  onTestFinished(() => server.stop());
  const shared = { redis: `redis: "unix://${socket}"`, pace: "{ perHour: 3600, burst: 3 }" };
  const relays = [await Relay.start(shared), await Relay.start(shared)];
  const arrived = () => relays.reduce((sum, relay) => sum + relay.arrived.length, 0);
  await Promise.all(
    relays.flatMap((relay) => Array.from({ length: 10 }, (_, n) => submit(relay.port, named(n)))),
  );
  await until("both wait for the budget", () => relays.every((relay) => relay.events("paced").length > 0));
  const [before, startMs] = [arrived(), Date.now()];
  await until("some go", () => arrived() - before >= 8, 30_000);
  const intervals = (Date.now() - startMs) / 1000;
  expect(intervals).toBeGreaterThan(8 - 3 - 1); // each with a budget of its own, they would need half of that
});

test("a second agent on the same port exits with a sentence, and its queue and ours are as they were", async () => {
  const first = await Relay.start({ fail: ["connect=drop"] });
  await submit(first.port, named(0));
  await until("it waits", () => first.events("breaker-opened").length > 0);
  const second = await Relay.start({ fail: ["connect=drop"] });
  await submit(second.port, named(1));
  await until("it waits", () => second.events("breaker-opened").length > 0);
  await second.down();
  await changedConfig(second, "127.0.0.1:0", `127.0.0.1:${first.port}`);
  const before = await spool(second);
  expect(before).toHaveLength(1);
  const { code, stderr } = await second.command("run");
  expect({ code, stderr }).toEqual({ code: 69, stderr: expect.stringContaining(`127.0.0.1:${first.port}`) });
  expect(stderr).not.toContain("    at ");
  expect(await spool(second)).toEqual(before);
  expect(second.arrived).toEqual([]);
  await changedConfig(second, `127.0.0.1:${first.port}`, "127.0.0.1:0");
  for (const relay of [first, second]) relay.setFaults();
  await second.up();
  await until("both arrived", () => first.arrived.length === 1 && second.arrived.length === 1, 30_000);
});
