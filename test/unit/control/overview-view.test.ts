import { expect, test } from "vitest";
import { type OverviewSource, overviewOf, readingsOf } from "../../../src/control/overview-view.ts";
import { Recent } from "../../../src/control/recent.ts";
import type { Snapshot } from "../../../src/control/snapshot.ts";
import type { Pace } from "../../../src/schedule/pace.ts";

const NOW = Date.parse("2026-07-03T12:30:00Z");
const DAY_MS = 86_400_000;
const paced = (perHour: number, more: object = {}): Pace =>
  ({ kind: "paced", perHour, burst: 1, urgentShare: 0, ...more }) as Pace;
const perYear = { starts: "07-01", at: "hold", messages: 1000 } as const;

const SNAPSHOT: Snapshot = {
  counts: [
    { account: "portal", states: { incoming: 1, active: 2, deferred: 3, held: 4, bounced: 5 } },
    { account: null, states: { incoming: 0, active: 0, deferred: 0, held: 10, bounced: 0 } },
  ],
  budgets: { portal: { used: 7, perHour: 100 }, news: null },
  oldest: new Map([
    ["portal", NOW - 90_000],
    [null, NOW - 61_500],
  ]),
};

function source(changes: Partial<OverviewSource> & { snapshot?: Snapshot } = {}): OverviewSource {
  const { snapshot = SNAPSHOT, ...rest } = changes;
  return {
    version: "1.2.3",
    hostname: "app01",
    startedMs: NOW - 5000,
    accounts: [
      { name: "portal", pace: paced(100, { perYear }) },
      { name: "news", pace: paced(50) },
    ],
    now: () => NOW,
    health: () => ({ ok: true, reasons: [], warnings: [] }),
    snapshots: { now: async () => snapshot } as OverviewSource["snapshots"],
    recent: new Recent(() => NOW),
    year: {
      totals: () =>
        new Map([
          ["us", { messages: 30, bytes: 300 }],
          ["them", { messages: 30, bytes: 500 }],
        ]),
      days: (_account, fromMs, toMs) =>
        [
          { day: "2026-06-30", messages: 1000, bytes: 1 },
          { day: "2026-07-01", messages: 10, bytes: 100 },
          { day: "2026-07-03", messages: 20, bytes: 200 },
        ].filter(({ day }) => Date.parse(day) >= fromMs - DAY_MS + 1 && Date.parse(day) < toMs),
    },
    standing: (account) => ({ sessions: account === "portal" ? 2 : 0, breaker: "closed" }),
    openBreakers: () => [],
    custody: () => 17,
    connections: () => 3,
    freeDiskBytes: () => 1e9,
    redis: () => "up",
    ...rest,
  };
}

test("counts are summed over accounts, and the oldest of all is told in seconds", async () => {
  const { queue } = await overviewOf(source());
  expect(queue).toEqual({
    states: { incoming: 1, active: 2, deferred: 3, held: 14, bounced: 5 },
    oldest: 90,
  });
});

test("nothing waits: nothing is the oldest, whatever was known a moment ago", async () => {
  const states = { incoming: 0, active: 0, deferred: 0, held: 0, bounced: 5 };
  const { queue } = await overviewOf(
    source({ snapshot: { ...SNAPSHOT, counts: [{ account: null, states }] } }),
  );
  expect(queue).toEqual({ states, oldest: null });
});

test("while Redis never answered, what is in custody is incoming, and no budget is known", async () => {
  const snapshot = { counts: undefined, budgets: undefined, oldest: new Map() };
  const { queue, accounts } = await overviewOf(source({ snapshot }));
  expect(queue).toMatchObject({ states: { incoming: 17 }, oldest: null });
  expect(accounts.map(({ budget }) => budget)).toEqual([null, null]);
});

test("an account may have a name that objects have, and has no budget by it while none is known", async () => {
  const accounts = [{ name: "constructor", pace: paced(100) }];
  const snapshot = { ...SNAPSHOT, budgets: {} };
  expect((await overviewOf(source({ accounts, snapshot }))).accounts[0]?.budget).toBeNull();
  expect((await readingsOf(source({ accounts, snapshot }))).accounts[0]?.budget).toBeNull();
});

test("the cap of an hour is the accounts' sum, and none when one is unlimited", async () => {
  expect((await overviewOf(source())).hours.map(({ cap }) => cap)).toEqual(Array(24).fill(150));
  const accounts = [...source().accounts, { name: "free", pace: { kind: "unlimited" } as const }];
  expect((await overviewOf(source({ accounts }))).hours.at(-1)?.cap).toBeNull();
});

test("the year has what all hosts used, the limits, and a running sum for each day of this host", async () => {
  const { accounts } = await overviewOf(source());
  expect(accounts[1]?.year).toBeNull();
  expect(accounts[0]).toMatchObject({
    budget: { used: 7, perHour: 100 },
    sessions: 2,
    state: "closed",
    year: {
      from: "2026-07-01T00:00:00.000Z",
      to: "2027-07-01T00:00:00.000Z",
      at: "hold",
      messages: { used: 60, limit: 1000 },
      bytes: { used: 800, limit: null },
      days: [
        { day: "2026-07-01", messages: 10, bytes: 100 },
        { day: "2026-07-03", messages: 30, bytes: 300 },
      ],
    },
  });
  expect(accounts[0]?.year?.messages.forecast).toBeGreaterThan(60);
});

test("the metrics read the same, with a name for mail without an account", async () => {
  const openBreakers = () => [
    { breaker: "pair", account: "portal" } as const,
    { breaker: "pair", account: "portal" } as const,
    { breaker: "upstream" } as const,
  ];
  const readings = await readingsOf(source({ openBreakers }));
  expect(readings.queue.map(({ account, oldest }) => ({ account, oldest }))).toEqual([
    { account: "portal", oldest: 90 },
    { account: "unassigned", oldest: 61 },
  ]);
  expect(readings.breakers).toEqual([
    { breaker: "upstream", account: "", open: 1 },
    { breaker: "account", account: "portal", open: 0 },
    { breaker: "pair", account: "portal", open: 2 },
    { breaker: "account", account: "news", open: 0 },
    { breaker: "pair", account: "news", open: 0 },
  ]);
  expect(readings.accounts[0]).toMatchObject({
    year: { messages: 60, bytes: 800 },
    yearLimits: { messages: 1000 },
  });
});
