/**
 * The overview, put together from what the parts answer: for the page, `sluice` without a command, and the live events;
 * and the same answers as readings for the metrics.
 *
 * Promises: no file is read and the spool is not looked through; Redis is asked at most once a second (snapshot.ts), so it
 * may be asked for every two seconds. While Redis is away the queue is shown as it was last known.
 */

import type { Readings } from "../observe/gauges.ts";
import { NO_ACCOUNT } from "../observe/metrics.ts";
import type { Pace } from "../schedule/pace.ts";
import type { HealthView } from "./health-text.ts";
import { withMailWaiting } from "./health-view.ts";
import type { AccountOverview, HourOverview, Overview } from "./overview.ts";
import { SHOWN_STATES } from "./queue-view.ts";
import type { Recent } from "./recent.ts";
import type { Snapshot, Snapshots } from "./snapshot.ts";
import { type YearSource, yearView } from "./year-view.ts";

export interface OverviewSource {
  readonly version: string;
  readonly hostname: string;
  readonly startedMs: number;
  readonly accounts: readonly { readonly name: string; readonly pace: Pace }[];
  readonly now: () => number;
  readonly health: () => HealthView;
  readonly snapshots: Snapshots;
  readonly recent: Recent;
  readonly year: YearSource;
  /** Sessions and breaker of an account. */
  readonly standing: (account: string) => {
    readonly sessions: number;
    readonly breaker: AccountOverview["state"];
  };
  readonly openBreakers: () => readonly {
    readonly breaker: "upstream" | "account" | "pair";
    readonly account?: string;
  }[];
  /** Messages in custody: what is known of the queue before Redis ever answered. */
  readonly custody: () => number;
  readonly connections: () => number;
  readonly freeDiskBytes: () => number;
  readonly redis: () => "up" | "down";
}

export async function overviewOf(source: OverviewSource): Promise<Overview> {
  const snapshot = await source.snapshots.now();
  const { version, hostname, startedMs, accounts, recent } = source;
  const nowMs = source.now();
  const iso = (ms: number) => new Date(ms).toISOString();
  const cap = capOf(source);
  return {
    version,
    hostname,
    now: iso(nowMs),
    startedAt: iso(startedMs),
    health: withMailWaiting(source.health(), snapshot.counts),
    queue: queueOf(source, snapshot, nowMs),
    accounts: accounts.map((account) => accountOf(source, account, { snapshot, nowMs })),
    hours: recent.hours().map(({ atMs, ...sums }): HourOverview => ({ at: iso(atMs), ...sums, cap })),
    failures: recent.failures,
  };
}

export async function healthNow(source: OverviewSource): Promise<HealthView> {
  const { counts } = await source.snapshots.now();
  return withMailWaiting(source.health(), counts);
}

function queueOf({ custody }: OverviewSource, snapshot: Snapshot, nowMs: number): Overview["queue"] {
  const states = { incoming: 0, active: 0, deferred: 0, held: 0, bounced: 0 };
  for (const one of snapshot.counts ?? [])
    for (const state of SHOWN_STATES) states[state] += one.states[state];
  if (!snapshot.counts) states.incoming = custody();
  const oldestMs = Math.min(...snapshot.oldest.values());
  const waits = SHOWN_STATES.some((state) => state !== "bounced" && states[state] > 0);
  return { states, oldest: waits && Number.isFinite(oldestMs) ? ageOf(oldestMs, nowMs) : null };
}

function accountOf(
  { standing, year }: OverviewSource,
  { name, pace }: OverviewSource["accounts"][number],
  { snapshot, nowMs }: { readonly snapshot: Snapshot; readonly nowMs: number },
): AccountOverview {
  const { sessions, breaker } = standing(name);
  const perYear = perYearOf(pace);
  return {
    name,
    budget: new Map(Object.entries(snapshot.budgets ?? {})).get(name) ?? null,
    state: breaker,
    sessions,
    year: perYear ? yearView(year, { name, perYear }, nowMs) : null,
  };
}

function perYearOf(pace: Pace) {
  return pace.kind === "paced" ? pace.perYear : undefined;
}

/** The sum of the accounts' caps; null when one has none. */
function capOf({ accounts }: OverviewSource): number | null {
  let sum = 0;
  for (const { pace } of accounts) {
    if (pace.kind === "unlimited") return null;
    sum += pace.perHour;
  }
  return sum;
}

/** The same for the metrics. */
export async function readingsOf(source: OverviewSource): Promise<Readings> {
  const snapshot = await source.snapshots.now();
  const nowMs = source.now();
  return {
    queue: (snapshot.counts ?? []).map(({ account, states }) => {
      const oldestMs = snapshot.oldest.get(account);
      const oldest = oldestMs === undefined ? null : ageOf(oldestMs, nowMs);
      return { account: account ?? NO_ACCOUNT, states, oldest };
    }),
    accounts: source.accounts.map((account) => {
      const { name, budget, sessions, year } = accountOf(source, account, { snapshot, nowMs });
      const { messages, bytes } = perYearOf(account.pace) ?? {};
      return {
        account: name,
        budget,
        sessions,
        year: year && { messages: year.messages.used, bytes: year.bytes.used },
        yearLimits: {
          ...(messages === undefined ? {} : { messages }),
          ...(bytes === undefined ? {} : { bytes }),
        },
      };
    }),
    breakers: breakersOf(source),
    connections: source.connections(),
    redis: source.redis(),
    freeDiskBytes: source.freeDiskBytes(),
    lastDeliveredMs: source.recent.lastDeliveredMs,
  };
}

function breakersOf({ accounts, openBreakers }: OverviewSource): Readings["breakers"] {
  const open = openBreakers();
  const counted = (breaker: "upstream" | "account" | "pair", account: string) => ({
    breaker,
    account,
    open: open.filter((one) => one.breaker === breaker && (one.account ?? "") === account).length,
  });
  return [
    counted("upstream", ""),
    ...accounts.flatMap(({ name }) => [counted("account", name), counted("pair", name)]),
  ];
}

function ageOf(acceptedMs: number, nowMs: number): number {
  return Math.max(0, Math.floor((nowMs - acceptedMs) / 1000));
}
