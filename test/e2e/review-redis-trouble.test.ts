/** What Redis refuses or does not answer must not become a hot loop or unbounded memory. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { connectRedis } from "../../src/queue/redis.ts";
import { Relay } from "../support/relay.ts";
import { SmtpClient, submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

test("while Redis is full, no session is opened and authenticated for nothing, again and again", async () => {
  const relay = await Relay.start({ fail: ["connect=drop"] });
  await submit(relay.port);
  await until("queued", () => relay.events("breaker-opened")[0]);
  const client = connectRedis({ kind: "socket", path: join(relay.stateDir, "redis/redis.sock") }, () => {});
  await client.config("SET", "maxmemory", "1");
  relay.setFaults();
  await new Promise((resolve) => setTimeout(resolve, 25_000));
  const opened = relay.sandbox.sessions.filter(({ authenticated }) => authenticated).length;
  await client.config("SET", "maxmemory", "0");
  client.disconnect();
  await until("it arrived when there was room again", () => relay.arrived.length === 1, 20_000);
  expect(opened).toBeLessThan(5);
});

test("a queue that somebody paused in Redis does not make a hot loop", async () => {
  const relay = await Relay.start({ fail: ["connect=drop"] });
  await submit(relay.port);
  await until("queued", () => relay.events("breaker-opened")[0]);
  const client = connectRedis({ kind: "socket", path: join(relay.stateDir, "redis/redis.sock") }, () => {});
  const [meta] = await client.keys("*.portal.bulk:meta");
  await client.hset(meta as string, "paused", "1");
  relay.setFaults();
  await until("a session is open", () => relay.sandbox.sessions.some(({ authenticated }) => authenticated));
  const calls = async () => Number(/total_commands_processed:(\d+)/.exec(await client.info("stats"))?.[1]);
  const before = await calls();
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const rate = ((await calls()) - before) / 5;
  client.disconnect();
  expect(rate).toBeLessThan(50);
});

test("while Redis does not answer, memory does not grow with time", async () => {
  const relay = await Relay.start();
  const redis = await until("Redis runs", () => relay.redisProcess());
  await submit(relay.port);
  await until("the first arrived", () => relay.arrived.length === 1);
  process.kill(redis, "SIGSTOP");
  const clients = await Promise.all(Array.from({ length: 20 }, () => SmtpClient.connect(relay.port)));
  await Promise.all(
    clients.map(async (one) => {
      await one.say("EHLO test");
      for (let n = 0; n < 100; n++) await one.send({ data: "Subject: x\r\n\r\nx\r\n" });
      one.quit();
    }),
  );
  await new Promise((resolve) => setTimeout(resolve, 65_000)); // six time-outs
  process.kill(redis, "SIGCONT");
  await until("all arrived", () => relay.arrived.length >= 2001, 60_000);
  const client = connectRedis({ kind: "socket", path: join(relay.stateDir, "redis/redis.sock") }, () => {});
  const rate = Number(/cmdstat_evalsha:calls=(\d+)/.exec(await client.info("commandstats"))?.[1]);
  const [counter] = await client.keys("*.portal.bulk:id");
  const adds = Number(await client.get(counter as string)); // one INCR an add
  client.disconnect();
  console.log(`adds run by Redis for 2001 messages: ${adds}; evalsha calls ${rate}`);
  expect(adds).toBeLessThan(3000);
}, 240_000);
