import fc from "fast-check";
import { expect, test } from "vitest";
import { expired, retryDelayMs } from "../../../src/schedule/backoff.ts";

const POLICY = { firstMs: 60_000, maxMs: 3_600_000, expireAfterMs: 4 * 86_400_000 };
const middle = () => 0.5;

test("the age doubles from attempt to attempt, until the longest wait", () => {
  const delays: number[] = [];
  for (let ageMs = 0; delays.length < 9; ageMs += delays.at(-1) ?? 0)
    delays.push(retryDelayMs(POLICY, ageMs, middle));
  expect(delays.map((ms) => ms / 60_000)).toEqual([1, 1, 2, 4, 8, 16, 32, 60, 60]);
});

test("a delay is spread by 20 % either way, and never leaves its bounds", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1e12, max: 1e12 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (ageMs, random) => {
        const delayMs = retryDelayMs(POLICY, ageMs, () => random);
        const plainMs = retryDelayMs(POLICY, ageMs, middle);
        expect(delayMs).toBeGreaterThanOrEqual(Math.floor(plainMs * 0.8));
        expect(delayMs).toBeLessThanOrEqual(Math.ceil(plainMs * 1.2));
        expect(plainMs).toBeGreaterThanOrEqual(POLICY.firstMs);
        expect(plainMs).toBeLessThanOrEqual(POLICY.maxMs);
      },
    ),
  );
});

test("a clock that was set back counts as age 0", () => {
  expect(retryDelayMs(POLICY, -86_400_000, middle)).toBe(POLICY.firstMs);
});

test("a message is given up at its age", () => {
  const ageMs = POLICY.expireAfterMs;
  expect(expired(POLICY, ageMs - 1)).toBe(false);
  expect(expired(POLICY, ageMs)).toBe(true);
});
