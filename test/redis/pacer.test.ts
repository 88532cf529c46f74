import { expect, test } from "vitest";
import { emissionIntervalUs, Pacer } from "../../src/pacing/pacer.ts";
import { redisForTests } from "../support/redis.ts";

const redis = redisForTests();
let made = 0;

function newPacer(options: { perHour: number; burst: number; charged?: number[]; username?: string }): Pacer {
  return new Pacer({
    redis: redis.client(),
    username: options.username ?? `user${made++}`,
    pace: { kind: "paced", perHour: options.perHour, burst: options.burst },
    chargesOfLastHour: async () => options.charged ?? [],
    now: Date.now,
  });
}

test("after a quiet spell the burst may go at once, then one message each interval", async () => {
  const pacer = newPacer({ perHour: 100, burst: 5 });
  const waits: number[] = [];
  for (let i = 0; i < 6; i++) waits.push(await pacer.charge());
  expect(waits.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
  const interval = emissionIntervalUs(100, 5) / 1000;
  expect(waits[5]).toBeGreaterThan(interval - 1000);
  expect(waits[5]).toBeLessThanOrEqual(interval);
});

test("asking charges nothing", async () => {
  const pacer = newPacer({ perHour: 10, burst: 1 });
  expect(await pacer.ask()).toBe(0);
  expect(await pacer.ask()).toBe(0);
  expect(await pacer.charge()).toBe(0);
  expect(await pacer.ask()).toBeGreaterThan(0);
});

test("hosts that use one credential share its budget", async () => {
  const one = newPacer({ perHour: 10, burst: 1, username: "shared" });
  const other = newPacer({ perHour: 10, burst: 1, username: "shared" });
  expect(await one.charge()).toBe(0);
  expect(await other.charge()).toBeGreaterThan(0);
});

test("a bucket that is gone owes what the journal says", async () => {
  const justNow = (count: number) => Array<number>(count).fill(Date.now());
  const remembering = newPacer({ perHour: 100, burst: 5, charged: justNow(5) });
  expect(await remembering.charge()).toBeGreaterThan(0);
  const partly = newPacer({ perHour: 100, burst: 5, charged: justNow(3) });
  expect([await partly.charge(), await partly.charge()]).toEqual([0, 0]);
  expect(await partly.charge()).toBeGreaterThan(0);
});

test("charges of long ago are paid off, and a bucket that came back older than the journal is mended", async () => {
  const hourAgo = Array<number>(5).fill(Date.now() - 3_599_000);
  const rested = newPacer({ perHour: 100, burst: 5, charged: hourAgo });
  expect(await rested.charge()).toBe(0);
  const charged: number[] = [];
  const pacer = newPacer({ perHour: 100, burst: 5, charged });
  expect(await pacer.charge()).toBe(0);
  charged.push(...Array<number>(5).fill(Date.now())); // Redis forgot these
  expect(await pacer.ask()).toBe(0);
  pacer.distrust();
  expect(await pacer.ask()).toBeGreaterThan(0);
});

test("an unlimited pace asks nobody", async () => {
  const pacer = new Pacer({
    redis: undefined as never,
    username: "u",
    pace: { kind: "unlimited" },
    chargesOfLastHour: () => Promise.reject(new Error("asked")),
    now: Date.now,
  });
  expect(await pacer.charge()).toBe(0);
});

test("the interval leaves room for the burst and for a late MAIL in every 60 minutes", () => {
  for (const [perHour, burst] of [
    [2, 1],
    [100, 5],
    [2000, 20],
    [100_000, 1000],
  ] as const) {
    const interval = emissionIntervalUs(perHour, burst);
    // Charges in a window of 3600 s + 5 s, the MAILs of which fall into one hour: GCRA's bound.
    const most = Math.floor((3605e6 + (burst - 1) * interval) / interval) + 1;
    expect(most).toBeLessThanOrEqual(perHour);
  }
});
