import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchClock } from "../../../src/delivery/clock-watch.ts";
import { Watchdog } from "../../../src/delivery/watchdog.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const MINUTE_MS = 60_000;

test("an account whose due mail stands still is told once, Redis is connected anew, and it is forgotten when it moves", () => {
  const feeder = { stillMs: 14 * MINUTE_MS };
  const told: unknown[] = [];
  const redis = { status: "ready" as const, disconnect: vi.fn() };
  const watchdog = new Watchdog({
    feeders: new Map([["portal", feeder]]),
    events: { report: (_, fields) => void told.push(fields) },
    redis,
  });
  watchdog.start();
  vi.advanceTimersByTime(MINUTE_MS);
  expect([told, watchdog.stuck]).toEqual([[], []]);
  feeder.stillMs = 15 * MINUTE_MS;
  vi.advanceTimersByTime(2 * MINUTE_MS);
  expect(told).toMatchObject([{ account: "portal", reason: expect.stringContaining("15 min") }]);
  expect(redis.disconnect).toHaveBeenCalledExactlyOnceWith(true);
  expect(watchdog.stuck).toEqual(["portal"]);
  feeder.stillMs = 0;
  vi.advanceTimersByTime(MINUTE_MS);
  expect(watchdog.stuck).toEqual([]);
  watchdog.stop();
});

test("a Redis that is away is no standstill", () => {
  const redis = { status: "reconnecting" as const, disconnect: vi.fn() };
  const told: unknown[] = [];
  const events = { report: (_: string, fields: unknown) => void told.push(fields) };
  const watchdog = new Watchdog({ feeders: new Map([["portal", { stillMs: 1e9 }]]), events, redis });
  watchdog.start();
  vi.advanceTimersByTime(MINUTE_MS);
  expect(told).toEqual([]);
  watchdog.stop();
});

test("a wall clock that was set is told once, either way; drift, and a process that slept, are not", () => {
  const clock = { wallMs: 1e12, ms: 0 };
  const jumps: unknown[] = [];
  const events = { report: (_: string, fields: Record<string, unknown>) => void jumps.push(fields.reason) };
  let acted = 0;
  const clocks = { now: () => clock.wallMs, elapsed: () => clock.ms };
  const end = watchClock(clocks, events, () => void acted++);
  const tick = (wallMs: number, ms: number) => {
    clock.wallMs += wallMs;
    clock.ms += ms;
    vi.advanceTimersByTime(5000);
  };
  for (let n = 0; n < 100; n++) tick(5_900, 5000); // slewed by 90 s in all
  tick(3_600_000, 3_600_000);
  expect(jumps).toEqual([]);
  tick(86_405_000, 5000);
  tick(5000, 5000);
  tick(-86_395_000, 5000);
  expect(jumps).toEqual([expect.stringContaining("by 86400 s"), expect.stringContaining("by -86400 s")]);
  expect(acted).toBe(2);
  end();
});
