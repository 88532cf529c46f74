import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WorkingTime } from "../../../src/delivery/working-time.ts";
import { fakeKept } from "../../support/fake-kept.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Lets seconds pass on the monotonic clock. */
function setting(kept = fakeKept()) {
  const clock = { ms: 0 };
  const stopped = new Set<string>();
  const time = new WorkingTime({ kept, elapsed: () => clock.ms, stopped: (key) => stopped.has(key) });
  const pass = (seconds: number) => {
    for (let n = 0; n < seconds; n++) {
      clock.ms += 1000;
      vi.advanceTimersByTime(1000);
    }
  };
  return { kept, clock, stopped, time, pass };
}

test("it runs for each pair by itself, from when the pair is first asked for, and stands still while it is stopped", async () => {
  const { time, stopped, pass } = setting();
  expect(time.of("a")).toBe(0);
  pass(5);
  expect([time.of("a"), time.of("b")]).toEqual([5000, 0]);
  stopped.add("a");
  pass(3600);
  expect([time.of("a"), time.of("b")]).toEqual([5000, 3_600_000]);
  stopped.delete("a");
  pass(2);
  expect(time.of("a")).toBe(7000);
  await time.stop();
});

test("it goes on where it was after a restart, and after a crash at most ten seconds before that", async () => {
  const before = setting();
  before.time.of("a");
  before.pass(25);
  const crashed = setting(fakeKept({ workedMs: before.kept.section("workedMs") }));
  expect(crashed.time.of("a")).toBeGreaterThanOrEqual(15_000);
  await before.time.stop();
  const after = setting(before.kept);
  expect(after.time.of("a")).toBe(25_000);
  await crashed.time.stop();
  await after.time.stop();
});

test("a process that was stopped for a day did not work meanwhile", async () => {
  const { time, clock, pass } = setting();
  time.of("a");
  clock.ms += 86_400_000;
  pass(1);
  expect(time.of("a")).toBe(60_000);
  await time.stop();
});

test("nonsense that was kept is passed over", async () => {
  const { time } = setting(fakeKept({ workedMs: { a: "x", b: -1, c: 7 } }));
  expect([time.of("a"), time.of("b"), time.of("c")]).toEqual([0, 0, 7]);
  await time.stop();
});

test("a clock that a crash cut short goes on from what a message noted of it", async () => {
  const { time, pass } = setting(fakeKept({ workedMs: { a: 10_000 } }));
  expect([time.of("a", 14_000), time.of("b", 14_000), time.of("a", 12_000)]).toEqual([
    14_000, 14_000, 14_000,
  ]);
  pass(5);
  expect([time.of("a", 14_000), time.of("b")]).toEqual([19_000, 19_000]);
  await time.stop();
});
