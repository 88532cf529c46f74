/** P5 over a restart with a Redis whose append-only file is a little older (everysec, power cut, restored backup). */
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

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
