import fc from "fast-check";
import { expect, test } from "vitest";
import { allowanceUs, costUs } from "../../../src/schedule/pace.ts";
import { type Arrivals, capsFor, replay, rollingPeak } from "../../../src/schedule/replay.ts";

const MINUTE_US = 60_000_000;
const HOUR_US = 3_600_000_000;

/** Some minutes with mail, rising. */
const traffic: fc.Arbitrary<Arrivals> = fc
  .uniqueArray(fc.tuple(fc.nat(300), fc.integer({ min: 1, max: 30 })), {
    selector: ([minute]) => minute,
    maxLength: 40,
  })
  .map((minutes) => [...minutes].sort(([a], [b]) => a - b));
const paces = fc
  .integer({ min: 2, max: 400 })
  .chain((perHour) =>
    fc.record({ perHour: fc.constant(perHour), burst: fc.integer({ min: 1, max: perHour - 1 }) }),
  );

function times(arrivals: Arrivals): number[] {
  return arrivals.flatMap(([minute, count]) =>
    Array.from({ length: count }, (_, n) => minute * MINUTE_US + Math.floor((n * MINUTE_US) / count)),
  );
}

/** Below a day to the second, beyond it to the minute. */
function told(seconds: number): number {
  return seconds < 86_400 ? Math.ceil(seconds) : Math.ceil(seconds / 60) * 60;
}

/** When each message leaves, found the slow way: the debt of all before it, added up anew for every message. */
function bruteForce(arrivals: Arrivals, pace: { perHour: number; burst: number }): number[] {
  const bucket = { measure: "messages", cap: pace.perHour, burst: pace.burst } as const;
  const cost = costUs(bucket, { recipients: 1, bytes: 1 });
  const allowance = Math.max(allowanceUs(bucket), cost);
  const left: number[] = [];
  for (const cameAt of times(arrivals)) {
    let owedUntil = Number.NEGATIVE_INFINITY;
    for (const before of left) owedUntil = Math.max(owedUntil, before) + cost;
    const previous = left.at(-1) ?? cameAt;
    const earliest = Math.max(cameAt, previous);
    // It may go as soon as what is owed then, and its own cost, are within the allowance.
    const debt = Math.max(0, owedUntil - earliest);
    left.push(debt + cost <= allowance ? earliest : earliest + debt + cost - allowance);
  }
  return left;
}

test("a replay lets every message go exactly when adding up all debts says so", () => {
  fc.assert(
    fc.property(traffic, paces, (arrivals, pace) => {
      const left = bruteForce(arrivals, pace);
      const came = times(arrivals);
      const delays = left.map((leaves, i) => told((leaves - (came[i] as number)) / 1_000_000));
      const rising = [...delays].sort((a, b) => a - b);
      const minutes = new Map<number, number>();
      for (const leaves of left) {
        const minute = Math.floor(leaves / MINUTE_US);
        minutes.set(minute, (minutes.get(minute) ?? 0) + 1);
      }
      const backlogs = came.map((time) => {
        const end = (Math.floor(time / MINUTE_US) + 1) * MINUTE_US;
        return came.filter((one) => one < end).length - left.filter((one) => one < end).length;
      });
      const found = replay(arrivals, pace);
      expect(found).toEqual({
        messages: came.length,
        peakHour: rollingPeak([...minutes]),
        p95DelaySeconds: rising[Math.max(0, Math.ceil(came.length * 0.95) - 1)] ?? 0,
        worstDelaySeconds: rising.at(-1) ?? 0,
        backlog: Math.max(0, ...backlogs),
        departures: [...minutes],
      });
    }),
    { numRuns: 200 },
  );
});

test("a replay never lets more than the cap through in any 60 minutes", () => {
  fc.assert(
    fc.property(traffic, paces, (arrivals, pace) => {
      const left = bruteForce(arrivals, pace);
      const worst = left.map((start) => left.filter((one) => one >= start && one < start + HOUR_US).length);
      expect(Math.max(0, ...worst)).toBeLessThanOrEqual(pace.perHour);
      expect(replay(arrivals, pace).peakHour).toBeLessThanOrEqual(pace.perHour);
    }),
  );
});

test("a cap that is never reached delays nothing", () => {
  const found = replay(
    [
      [0, 5],
      [90, 5],
    ],
    { perHour: 10_000, burst: 100 },
  );
  expect(found).toMatchObject({ peakHour: 5, p95DelaySeconds: 0, worstDelaySeconds: 0, backlog: 0 });
});

test("a backlog of days is told to the minute", () => {
  const { worstDelaySeconds, peakHour } = replay([[0, 1000]], { perHour: 11, burst: 1 });
  expect(worstDelaySeconds % 60).toBe(0);
  expect(worstDelaySeconds / 3600).toBeGreaterThan(99);
  expect(peakHour).toBeLessThanOrEqual(11);
});

test("the peak of any 60 minutes is found across full hours", () => {
  expect(
    rollingPeak([
      [50, 10],
      [70, 10],
      [109, 10],
      [110, 1],
    ]),
  ).toBe(30);
  expect(
    rollingPeak([
      [0, 7],
      [60, 7],
    ]),
  ).toBe(7);
  expect(rollingPeak([])).toBe(0);
});

test("caps worth a look are parts of the peak in round numbers", () => {
  expect(capsFor(1234)).toEqual([310, 620, 930, 1300]);
  expect(capsFor(87)).toEqual([22, 44, 66, 87]);
  expect(capsFor(1)).toEqual([2]);
});
