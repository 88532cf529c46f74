/** Delivery that could not start, or whose Redis misbehaves at start, must begin by itself when the fault heals. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

test("delivery begins when the folder of Redis, unusable at start, is usable again", async () => {
  const relay = await Relay.prepare();
  await mkdir(relay.stateDir, { mode: 0o700 });
  await writeFile(join(relay.stateDir, "redis"), "in the way");
  await relay.up();
  expect((await submit(relay.port)).code).toBe(250);
  await rm(join(relay.stateDir, "redis"));
  await until("it arrived", () => relay.arrived.length === 1, 30_000).catch((e) => {
    throw new Error(`${e.message}; log: ${JSON.stringify(relay.log.slice(-3))}`);
  });
});

test("a hung Redis that a killed agent left behind does not stop the next agent", async () => {
  const relay = await Relay.start();
  const redis = await until("Redis runs", () => relay.redisProcess());
  await submit(relay.port);
  await until("the first arrived", () => relay.arrived.length === 1);
  process.kill(redis, "SIGSTOP");
  await relay.down("SIGKILL");
  await relay.up();
  expect((await submit(relay.port)).code).toBe(250);
  try {
    await until("the second arrived", () => relay.arrived.length === 2, 40_000).catch((e) => {
      throw new Error(`${e.message}; log: ${JSON.stringify(relay.log.slice(-3))}`);
    });
  } finally {
    process.kill(redis, "SIGKILL");
  }
});

test("without a redis-server on PATH the log is not flooded", async () => {
  const relay = await Relay.prepare({ env: { PATH: "/nonexistent" } });
  await relay.up();
  await new Promise((resolve) => setTimeout(resolve, 15_000));
  const lines = relay.events("redis").length;
  expect(lines).toBeLessThan(10);
});
