import { expect, test, vi } from "vitest";
import { YearLimits } from "../../../src/delivery/year-limits.ts";
import type { YearTotal, YearTotals } from "../../../src/pacing/year-totals.ts";
import type { Redis } from "../../../src/queue/redis.ts";
import { fakeKept } from "../../support/fake-kept.ts";
import { until } from "../../support/until.ts";

const JULY = Date.parse("2026-07-15T12:00:00Z");
const noRedis = {} as Redis;

interface World {
  perYear: { messages?: number; bytes?: number; starts: string; at: "warn" | "hold" };
  used: YearTotal;
  now: number;
}

/** The limits of an account in a world that can change, and what they said. */
function limitsIn(world: World, { kept = fakeKept(), shared = false } = {}) {
  const warnings: object[] = [];
  let released = 0;
  const limits = new YearLimits({
    ledger: {
      fold: async () => {},
      totals: (_account, fromMs): YearTotals =>
        new Map(fromMs === Date.parse("2026-07-01") ? [["here", world.used]] : []),
    },
    kept,
    events: { report: (event, fields, level) => void warnings.push({ event, level, ...fields }) },
    shared,
    now: () => world.now,
    onReleased: () => void released++,
  });
  /** As the config says it in that world. */
  const use = () => {
    const pace = { kind: "paced", perHour: 100, burst: 1, urgentShare: 0, perYear: world.perYear } as const;
    const portal = { name: "portal", username: "portal-user", pace };
    limits.use([portal, { name: "free", username: "free-user", pace: { kind: "unlimited" } }], 5000);
  };
  use();
  const look = async () => {
    world.now += 60_000;
    await limits.look(noRedis);
  };
  return { limits, use, look, warnings, released: () => released, kept };
}

const worldOf = (changes: Partial<World> = {}): World => ({
  perYear: { messages: 1000, starts: "07-01", at: "hold" },
  used: { messages: 0, bytes: 0 },
  now: JULY,
  ...changes,
});

test("each threshold is warned of once, also over restarts", async () => {
  const world = worldOf();
  const { look, warnings, kept } = limitsIn(world);
  const percents = () => warnings.map((one) => (one as { percent: number }).percent);
  for (const messages of [799, 800, 850, 899]) {
    world.used = { messages, bytes: 0 };
    await look();
  }
  expect(percents()).toEqual([80]);
  expect(warnings[0]).toMatchObject({
    event: "usage",
    level: "warn",
    account: "portal",
    measure: "messages",
    used: 800,
    limit: 1000,
    year: "2026-07-01",
  });
  world.used = { messages: 1000, bytes: 0 };
  await look(); // 90 was passed on the way: one warning is enough
  expect(percents()).toEqual([80, 100]);
  const again = limitsIn(world, { kept });
  await again.look();
  expect(again.warnings).toEqual([]);
});

test("at: hold holds bulk mail when a limit is reached, and says until when", async () => {
  const world = worldOf({ used: { messages: 999, bytes: 0 } });
  const { limits, look } = limitsIn(world);
  await look();
  expect(limits.heldReason("portal")).toBeUndefined();
  world.used = { messages: 1000, bytes: 0 };
  await look();
  expect(limits.heldReason("portal")).toBe(
    "the year's 1000 messages are used (1000): bulk mail waits until 2027-07-01, or until pace.perYear is raised",
  );
  expect(limits.heldReason("free")).toBeUndefined();
});

test("bytes count for themselves", async () => {
  const world = worldOf({ perYear: { messages: 1000, bytes: 5000, starts: "07-01", at: "hold" } });
  world.used = { messages: 3, bytes: 5000 };
  const { limits, look, warnings } = limitsIn(world);
  await look();
  expect(limits.heldReason("portal")).toContain("5000 bytes");
  expect(warnings).toMatchObject([{ measure: "bytes", percent: 100 }]);
});

test("what is held goes on by itself when the year turns", async () => {
  const world = worldOf({ used: { messages: 1000, bytes: 0 } });
  const { limits, look, released } = limitsIn(world);
  await look();
  expect(limits.heldReason("portal")).toBeDefined();
  world.now = Date.parse("2027-06-30T23:59:30Z") - 60_000;
  await look();
  expect(limits.heldReason("portal")).toBeDefined();
  await look();
  expect([limits.heldReason("portal"), released()]).toEqual([undefined, 1]);
});

test("what is held goes on when the limit is raised, and the thresholds of the new limit are warned of", async () => {
  const world = worldOf({ used: { messages: 1000, bytes: 0 } });
  const before = limitsIn(world);
  await before.look();
  const raised = limitsIn({ ...world, perYear: { ...world.perYear, messages: 1200 } }, { kept: before.kept });
  await raised.look();
  expect(raised.limits.heldReason("portal")).toBeUndefined();
  expect(raised.warnings).toMatchObject([{ percent: 80, limit: 1200 }]);
});

test("a limit that is raised, or goes, while sluice runs lets go what was held", async () => {
  const world = worldOf({ used: { messages: 1000, bytes: 0 } });
  const { limits, use, look, released } = limitsIn(world);
  await look();
  expect(limits.heldReason("portal")).toContain("are used");
  world.perYear = { ...world.perYear, messages: 1200 };
  use();
  expect(limits.heldReason("portal")).toContain("are used"); // until it is added up
  await look();
  expect([limits.heldReason("portal"), released()]).toEqual([undefined, 1]);
  world.perYear = { ...world.perYear, messages: 1000 };
  use();
  await look();
  world.perYear = { ...world.perYear, at: "warn" };
  use();
  expect([limits.heldReason("portal"), released()]).toEqual([undefined, 2]);
});

test("at: warn holds nothing", async () => {
  const world = worldOf({ used: { messages: 2000, bytes: 0 } });
  world.perYear = { ...world.perYear, at: "warn" };
  const { limits, look, warnings } = limitsIn(world);
  expect(limits.heldReason("portal")).toBeUndefined();
  await look();
  expect(limits.heldReason("portal")).toBeUndefined();
  expect(warnings).toMatchObject([{ percent: 100 }]);
});

test("until the year is added up after a start, bulk mail that may have to be held waits", async () => {
  const { limits, look, released } = limitsIn(worldOf());
  expect(limits.heldReason("portal")).toContain("is being added up");
  await look();
  expect([limits.heldReason("portal"), released()]).toEqual([undefined, 1]);
});

test("a ledger that was lost does not set the year back", async () => {
  const world = worldOf({ used: { messages: 1000, bytes: 0 } });
  const before = limitsIn(world);
  await before.look();
  const after = limitsIn({ ...world, used: { messages: 1, bytes: 0 } }, { kept: before.kept });
  await after.look();
  expect(after.limits.heldReason("portal")).toBeDefined();
});

test("a look that began before the config changed judges nothing by the limits of the one before", async () => {
  const world = worldOf({ used: { messages: 500, bytes: 0 } });
  const { limits, use } = limitsIn(world, { shared: true });
  let answer: (error: Error) => void = () => {};
  const hgetall = vi.fn(
    () =>
      new Promise((_, reject) => {
        answer = reject;
      }),
  );
  const looking = limits.look({ hgetall } as unknown as Redis);
  await until("the other hosts are asked", () => hgetall.mock.calls.length > 0);
  world.perYear = { messages: 400, starts: "07-01", at: "hold" };
  use();
  answer(new Error("Redis is away"));
  await looking;
  expect(limits.heldReason("portal")).toContain("being added up");
  const again = limits.look({ hgetall } as unknown as Redis);
  await until("they are asked again at once", () => hgetall.mock.calls.length > 1);
  answer(new Error("Redis is away"));
  await again;
  expect(limits.heldReason("portal")).toContain("400 messages are used");
});
