/**
 * Faults that must change nothing: what Redis, the disk or the upstream does at a bad moment, and that the queue
 * drains by itself when it is over (promises P3, P5, P8, P9).
 */
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { formatEntry } from "../../src/spool/entry.ts";
import { queueIdMaker } from "../../src/spool/queue-id.ts";
import { entryFor, WIRE } from "../support/messages.ts";
import { connectedTo } from "../support/redis.ts";
import { Relay } from "../support/relay.ts";
import { alive } from "../support/relay-process.ts";
import { SmtpClient, submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const subject = (n: number) => ({ data: `Subject: m${n}\r\n\r\nbody\r\n` });

test("a probe whose outcome could not be settled (Redis flushed under it) does not stop delivery for ever", async () => {
  const relay = await Relay.start({ fail: ["connect=drop"] });
  await submit(relay.port, subject(0));
  await until("the breaker opened", () => relay.events("breaker-opened")[0]);
  relay.setFaults("dot#1=delay 3s");
  await until("the probe's message is kept by the upstream", () => relay.arrived.length === 1);
  const client = await connectedTo(join(relay.stateDir, "redis/redis.sock"));
  await client.flushall();
  client.disconnect();
  await new Promise((resolve) => setTimeout(resolve, 4000));
  expect((await submit(relay.port, subject(1))).code).toBe(250);
  await until("everything is healthy, so the second arrives", () => relay.arrived.length >= 2, 60_000);
});

test("a message sent again after kill -9 between the upstream's 250 and our record is logged as in doubt", async () => {
  const relay = await Relay.start({ fail: ["dot#1=delay 5s"] });
  const { id } = await submit(relay.port);
  await until("the upstream has it", () => relay.arrived.length === 1);
  await relay.kill("agent");
  relay.setFaults();
  const seen = relay.log.length;
  await relay.up();
  await until("the repeat", () => relay.arrived.length === 2);
  await until("it is told", () => relay.log.slice(seen).find(({ event }) => event === "delivered"));
  const told = relay.log.slice(seen).filter((line) => JSON.stringify(line).includes(id));
  expect(told.some((line) => /doubt/i.test(JSON.stringify(line)))).toBe(true);
});

test("never more than perHour in 60 minutes when Redis comes back with an older bucket", async () => {
  const relay = await Relay.start({ pace: "{ perHour: 10, burst: 6 }" });
  await submit(relay.port);
  await until("one arrived", () => relay.arrived.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 2500)); // its append-only file is synced
  const redis = join(relay.stateDir, "redis");
  await cp(join(redis, "appendonlydir"), join(relay.folder, "older"), { recursive: true });
  for (let n = 0; n < 30; n++) await submit(relay.port);
  await until("the burst arrived", () => relay.arrived.length >= 6);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await relay.kill("agent and redis");
  await rm(join(redis, "appendonlydir"), { recursive: true });
  await cp(join(relay.folder, "older"), join(redis, "appendonlydir"), { recursive: true });
  await relay.up();
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  expect(relay.arrived.length).toBeLessThanOrEqual(10);
});

test("while Redis is full, no session is opened and authenticated for nothing, again and again", async () => {
  const relay = await Relay.start({ fail: ["connect=drop"] });
  await submit(relay.port);
  await until("queued", () => relay.events("breaker-opened")[0]);
  const client = await connectedTo(join(relay.stateDir, "redis/redis.sock"));
  await client.config("SET", "maxmemory", "1");
  relay.setFaults();
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  const opened = relay.sandbox.sessions.filter(({ authenticated }) => authenticated).length;
  await client.config("SET", "maxmemory", "0");
  client.disconnect();
  await until("it arrived when there was room again", () => relay.arrived.length === 1, 60_000);
  expect(opened).toBeLessThanOrEqual(5); // after 1, 2, 4 and 8 seconds
});

test("a queue that somebody paused in Redis does not make a hot loop", async () => {
  const relay = await Relay.start({ fail: ["connect=drop"] });
  await submit(relay.port);
  await until("queued", () => relay.events("breaker-opened")[0]);
  const client = await connectedTo(join(relay.stateDir, "redis/redis.sock"));
  const [meta] = await client.keys("*.portal.bulk:meta");
  await client.hset(meta as string, "paused", "1");
  relay.setFaults();
  await until("a session is open", () => relay.sandbox.sessions.some(({ authenticated }) => authenticated));
  const calls = async () => Number(/total_commands_processed:(\d+)/.exec(await client.info("stats"))?.[1]);
  const before = await calls();
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const rate = ((await calls()) - before) / 3;
  client.disconnect();
  expect(rate).toBeLessThan(200); // a hot loop makes tens of thousands
});

test("a message that is in doubt waits for its retry time like any other failure", async () => {
  const relay = await Relay.prepare({ fail: ["dot:poison@example.org=drop"] });
  const { starttlsPort } = relay.sandbox;
  await relay.configure({
    upstream: `upstream: { hosts: [localhost], port: ${starttlsPort}, security: starttls, caFile: sandbox/ca.pem, sessions: 1 }`,
  });
  await relay.up();
  const client = await SmtpClient.connect(relay.port);
  await client.say("EHLO test");
  const end = Date.now() + 6000;
  await client.send({ data: "Subject: good\r\n\r\nx\r\n" });
  await submit(relay.port, { to: "poison@example.org", data: "Subject: poison\r\n\r\nx\r\n" });
  while (Date.now() < end) {
    await client.send({ data: "Subject: good\r\n\r\nx\r\n" });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  client.quit();
  const copies = relay.arrived.filter(({ subject }) => subject === "poison").length;
  expect(copies).toBeLessThanOrEqual(2); // retry.first is a minute
});

test("delivery begins when the folder of Redis, unusable at start, is usable again", async () => {
  const relay = await Relay.prepare();
  await mkdir(relay.stateDir, { mode: 0o700 });
  await writeFile(join(relay.stateDir, "redis"), "in the way");
  await relay.up();
  expect((await submit(relay.port)).code).toBe(250);
  await rm(join(relay.stateDir, "redis"));
  await until("it arrived", () => relay.arrived.length === 1, 30_000);
});

test("a hung Redis that a killed agent left behind does not stop the next agent", async () => {
  const relay = await Relay.start();
  const redis = await until("Redis runs", () => relay.redisProcess());
  await submit(relay.port);
  await until("the first arrived", () => relay.arrived.length === 1);
  process.kill(redis, "SIGSTOP");
  await relay.down("SIGKILL");
  await relay.up();
  const { id } = await submit(relay.port);
  try {
    await until("the second arrived", () => relay.events("delivered").find((line) => line.id === id), 40_000);
  } finally {
    if (alive(redis)) process.kill(redis, "SIGKILL");
  }
});

test("without a redis-server on PATH the log is not flooded", async () => {
  const relay = await Relay.prepare({ env: { PATH: "/nonexistent" } });
  await relay.up();
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const lines = relay.events("redis").length;
  expect(lines).toBeLessThanOrEqual(8); // each wait is longer than the one before
});

test("stop does not wait for a recovery of the whole spool", async () => {
  const relay = await Relay.prepare({ config: "stopTimeout: 2s", fail: ["connect=drop"] });
  const spool = join(relay.stateDir, "spool");
  await mkdir(spool, { recursive: true, mode: 0o700 });
  const id = queueIdMaker({ now: Date.now, random: Math.random });
  for (let n = 0; n < 400; n++) {
    await Promise.all(
      Array.from({ length: 100 }, () => {
        const one = id();
        return writeFile(join(spool, one), Buffer.concat([formatEntry(entryFor(one), WIRE.length), WIRE]));
      }),
    );
  }
  await relay.up();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await relay.down();
  expect(relay.events("recovered").filter(({ reason }) => reason === "start")).toHaveLength(0);
  expect(relay.events("stopped")).toHaveLength(1);
}, 240_000);
