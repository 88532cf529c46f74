import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Counts, type SnapshotSource, Snapshots } from "../../../src/control/snapshot.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const COUNTS: Counts[] = [
  { account: "portal", states: { incoming: 1, active: 0, deferred: 0, held: 0, bounced: 0 } },
];

function snapshots() {
  const source = {
    counts: vi.fn<SnapshotSource["counts"]>(async () => COUNTS),
    budgets: vi.fn<SnapshotSource["budgets"]>(async () => ({ portal: { used: 1, perHour: 10 } })),
    oldest: vi.fn<SnapshotSource["oldest"]>(async () => [
      { account: "portal", acceptedMs: 5 },
      { account: null, acceptedMs: null },
    ]),
  };
  return { source, made: new Snapshots(source, () => performance.now()) };
}

test("Redis is asked once a second, however many ask", async () => {
  const { source, made } = snapshots();
  const answers = await Promise.all([made.now(), made.now(), made.now()]);
  await vi.advanceTimersByTimeAsync(999);
  await made.now();
  expect(source.counts).toHaveBeenCalledTimes(1);
  expect(answers[0]).toEqual({
    counts: COUNTS,
    budgets: { portal: { used: 1, perHour: 10 } },
    oldest: new Map([["portal", 5]]),
  });
  await vi.advanceTimersByTimeAsync(1);
  await made.now();
  expect(source.counts).toHaveBeenCalledTimes(2);
});

test("a Redis that hangs makes nobody wait longer than two seconds, and the queue stays as it was last known", async () => {
  const { source, made } = snapshots();
  await made.now();
  const hangs = () => new Promise<never>(() => {});
  source.counts.mockImplementation(hangs);
  source.budgets.mockRejectedValue(new Error("away"));
  await vi.advanceTimersByTimeAsync(1000);
  const waiting = made.now();
  await vi.advanceTimersByTimeAsync(2000);
  expect(await waiting).toMatchObject({ counts: COUNTS, budgets: undefined });
});

test("nothing was ever known of a Redis that is away from the start", async () => {
  const { source, made } = snapshots();
  for (const ask of Object.values(source)) ask.mockRejectedValue(new Error("away"));
  expect(await made.now()).toEqual({ counts: undefined, budgets: undefined, oldest: new Map() });
});

test("the oldest are asked for a hundredth of the time at most", async () => {
  const { source, made } = snapshots();
  source.oldest.mockImplementation(async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return [];
  });
  for (let n = 0; n < 10; n++) {
    const asked = made.now();
    await vi.advanceTimersByTimeAsync(1000);
    await asked;
  }
  expect(source.oldest).toHaveBeenCalledTimes(2);
  expect(source.counts).toHaveBeenCalledTimes(10);
});

test("after a Redis that hung the oldest are asked for at once, and one at a time meanwhile", async () => {
  const { source, made } = snapshots();
  await made.now();
  let [underWay, most] = [0, 0];
  source.oldest.mockImplementation(async () => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    underWay--;
    throw new Error("Command timed out");
  });
  const look = async () => {
    await vi.advanceTimersByTimeAsync(1000);
    const asked = made.now();
    await vi.advanceTimersByTimeAsync(2000);
    return asked;
  };
  for (let n = 0; n < 2; n++) await look();
  expect(most).toBe(1);
  await vi.advanceTimersByTimeAsync(10_000);
  source.oldest.mockResolvedValue([{ account: "portal", acceptedMs: 77 }]);
  expect((await look()).oldest).toEqual(new Map([["portal", 77]]));
});
