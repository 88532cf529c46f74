/** The upstream breaker stays "probing" for ever when the probe's attempt ends without `gate.attempted` closing or tripping it. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { connectRedis } from "../../src/queue/redis.ts";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const subject = (n: number) => ({ data: `Subject: m${n}\r\n\r\nbody\r\n` });

test("a probe whose outcome could not be settled (Redis flushed under it) does not stop delivery for ever", async () => {
  const relay = await Relay.start({ fail: ["connect=drop"] });
  await submit(relay.port, subject(0));
  await until("the breaker opened", () => relay.events("breaker-opened")[0]);
  relay.setFaults("dot#1=delay 3s");
  await until("the probe's message is kept by the upstream", () => relay.arrived.length === 1);
  const client = connectRedis({ kind: "socket", path: join(relay.stateDir, "redis/redis.sock") }, () => {});
  await client.flushall();
  client.disconnect();
  await new Promise((resolve) => setTimeout(resolve, 4000));
  expect((await submit(relay.port, subject(1))).code).toBe(250);
  await until("everything is healthy, so the second arrives", () => relay.arrived.length >= 2, 60_000);
});

test("a probe that the upstream answers with an account's failure at MAIL does not stop delivery for ever", async () => {
  const relay = await Relay.start({ fail: ["connect=drop"], config: "retry: { first: 1s, max: 2s }" });
  await submit(relay.port, subject(0));
  await until("the breaker opened", () => relay.events("breaker-opened")[0]);
  relay.setFaults("mail#1=454 4.7.0 cannot check credentials now");
  await until("the account's breaker opened", () => relay.events("breaker-opened").length === 2, 30_000);
  // the account's breaker waits 60 s, then probes
  await until("it arrives after the account's probe", () => relay.arrived.length === 1, 100_000);
});
