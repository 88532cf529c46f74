/**
 * The fault table, clocks: the hour that is skipped or comes twice is nothing to us, whose times are UTC. Jumps of days
 * are in breakers.test.ts, a clock of Redis that jumps in test/redis/pacer.test.ts.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { QueueRow } from "../../src/control/queue-view.ts";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const MINUTE_MS = 60_000;

test.each([
  ["skipped", "2027-09-25T13:59:40Z", "2027-09-25"],
  ["repeated", "2027-04-03T13:59:40Z", "2027-04-03"],
])("over an hour that is %s retries keep their time, and the journal its days", async (_what, begin, day) => {
  const relay = await Relay.prepare({
    clock: "test",
    env: { TZ: "Pacific/Auckland" }, // its clocks are set at 14:00 UTC; its days begin at another time than ours
    config: "retry: { first: 1m, max: 2m, expireAfter: 1h }",
    fail: ["dot#1=451 4.3.0 not now"],
  });
  await relay.jumpClock({ wallMs: Date.parse(begin) - Date.now() });
  await relay.up();
  await submit(relay.port);
  await until("deferred", () => relay.events("deferred").length === 1);
  const [row] = JSON.parse((await relay.command("queue", "list", "--json")).stdout) as QueueRow[];
  const waitMs = Date.parse(row?.nextAttempt ?? "") - Date.parse(begin);
  expect(waitMs).toBeGreaterThan(0.7 * MINUTE_MS);
  expect(waitMs).toBeLessThan(2.5 * MINUTE_MS);
  await relay.jumpClock({ wallMs: 2 * MINUTE_MS, monotonicMs: 2 * MINUTE_MS });
  await submit(relay.port); // wakes the agent, whose timers did not jump
  await until("both arrived", () => relay.arrived.length === 2, 40_000);
  expect(relay.events("expired")).toEqual([]);
  expect(await readdir(join(relay.stateDir, "journal"))).toEqual([`${day}.jsonl`]);
});
