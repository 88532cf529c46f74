import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { EmbeddedRedis } from "../../src/queue/embedded-redis.ts";
import { connectedTo } from "../support/redis.ts";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const subject = (n: number) => ({ data: `Subject: m${n}\r\n\r\nbody ${n}\r\n` });

async function arrivedOnce(relay: Relay, count: number): Promise<void> {
  await until(`${count} messages arrived`, () => relay.arrived.length >= count, 60_000);
  await until("the spool is empty", async () => (await readdir(join(relay.stateDir, "spool"))).length === 0);
  expect(relay.arrived.map((arrived) => arrived.subject).sort()).toEqual(
    Array.from({ length: count }, (_, n) => `m${n}`).sort(),
  );
}

test("kill -9 of everything right after a 250, then a restart: the message arrives, once", async () => {
  const relay = await Relay.start({ fail: ["connect=drop"] });
  expect((await submit(relay.port, subject(0))).code).toBe(250);
  await relay.kill("agent and redis");
  expect(relay.arrived).toHaveLength(0);
  relay.setFaults();
  await relay.up();
  await arrivedOnce(relay, 1);
});

test("a Redis that the killed agent left behind is stopped, and the queue goes on", async () => {
  const relay = await Relay.start({ fail: ["connect=drop"] });
  await submit(relay.port, subject(0));
  const orphan = await relay.redisProcess();
  await relay.kill("agent");
  expect(await relay.redisProcess()).toBe(orphan);
  relay.setFaults();
  await relay.up();
  await arrivedOnce(relay, 1);
  expect(await relay.redisProcess()).not.toBe(orphan);
});

test("with Redis hung, mail is accepted at once and delivered when it is back", async () => {
  const relay = await Relay.start();
  await until("Redis runs", () => relay.redisProcess());
  await submit(relay.port, subject(0));
  await until("the first arrived", () => relay.arrived.length === 1);
  const redis = (await relay.redisProcess()) as number;
  process.kill(redis, "SIGSTOP");
  for (let n = 1; n < 6; n++) expect((await submit(relay.port, subject(n))).code).toBe(250);
  expect(relay.arrived).toHaveLength(1);
  process.kill(redis, "SIGCONT");
  await arrivedOnce(relay, 6);
});

test("with Redis killed it is started again, and what was accepted meanwhile is delivered", async () => {
  const relay = await Relay.start();
  const redis = await until("Redis runs", () => relay.redisProcess());
  process.kill(redis, "SIGKILL");
  for (let n = 0; n < 5; n++) expect((await submit(relay.port, subject(n))).code).toBe(250);
  await arrivedOnce(relay, 5);
  expect(await relay.redisProcess()).not.toBe(redis);
});

test("with Redis's folder deleted, every message is queued again from the spool", async () => {
  const relay = await Relay.start({ fail: ["connect=drop"] });
  for (let n = 0; n < 5; n++) await submit(relay.port, subject(n));
  await relay.kill("agent and redis");
  await rm(join(relay.stateDir, "redis"), { recursive: true });
  relay.setFaults();
  await relay.up();
  await arrivedOnce(relay, 5);
});

test("when Redis is flushed under the running agent, the queue is derived again", async () => {
  const relay = await Relay.start({ fail: ["connect=drop"] });
  for (let n = 0; n < 3; n++) await submit(relay.port, subject(n));
  const client = await connectedTo(join(relay.stateDir, "redis/redis.sock"));
  await until("they are queued", async () => (await client.dbsize()) > 3);
  await client.flushall();
  client.disconnect();
  relay.setFaults();
  await arrivedOnce(relay, 3);
});

test("with Redis full, mail is accepted at once and delivered when there is room again", async () => {
  const relay = await Relay.prepare();
  const folder = join(relay.folder, "external");
  const socket = join(relay.folder, "external.sock");
  const server = await EmbeddedRedis.start({ folder, socket, maxMemoryBytes: 8 << 20, report: () => {} });
  onTestFinished(() => server.stop());
  const client = await connectedTo(socket);
  await relay.configure({ redis: `redis: "unix://${socket}"` });
  await relay.up();
  await submit(relay.port, subject(0));
  await until("the first arrived", () => relay.arrived.length === 1);
  await client.config("SET", "maxmemory", "1"); // every write is refused from now on
  for (let n = 1; n < 4; n++) expect((await submit(relay.port, subject(n))).code).toBe(250);
  await until("the trouble is told", () =>
    relay.events("trouble").some(({ reason }) => /OOM/.test(String(reason))),
  );
  expect(relay.arrived).toHaveLength(1);
  await client.config("SET", "maxmemory", "0");
  client.disconnect();
  await arrivedOnce(relay, 4);
  await relay.down();
});

test("SIGTERM under load loses nothing and repeats nothing", async () => {
  const relay = await Relay.start({ fail: ["dot=delay 20ms"] });
  const sent = Array.from({ length: 60 }, (_, n) => submit(relay.port, subject(n)));
  expect((await Promise.all(sent)).every(({ code }) => code === 250)).toBe(true);
  expect(await relay.down()).toBe(0);
  expect(relay.events("stopped")).toHaveLength(1);
  await relay.up();
  await arrivedOnce(relay, 60);
});

test("a second agent on the same state folder exits with a sentence and touches nothing", async () => {
  const relay = await Relay.start({ fail: ["connect=drop"] });
  await submit(relay.port, subject(0));
  const second = await relay.command("run");
  expect(second.code).toBe(75);
  expect(second.stderr).toContain(`process ${relay.processId}`);
  expect(second.stderr).not.toContain("    at ");
  relay.setFaults();
  await arrivedOnce(relay, 1);
});

test("mail waits on disk while Redis is external and away, and goes out when it comes", async () => {
  const relay = await Relay.prepare();
  const socket = join(relay.folder, "external.sock");
  await relay.configure({ redis: `redis: "unix://${socket}"` });
  await relay.up();
  for (let n = 0; n < 3; n++) expect((await submit(relay.port, subject(n))).code).toBe(250);
  const folder = join(relay.folder, "external");
  const server = await EmbeddedRedis.start({ folder, socket, maxMemoryBytes: 64 << 20, report: () => {} });
  onTestFinished(() => server.stop());
  await arrivedOnce(relay, 3);
  await relay.down();
});
