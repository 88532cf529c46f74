/**
 * What other caps would do to the recorded traffic: one row for each cap, and what a chart needs.
 *
 * Promises: pure. Traffic is what was accepted, in the transactions that it takes; what the upstream deferred and a rule of
 * urgency are left out: urgent mail waits less than the figures say, the rest a little more.
 */
import { type Arrivals, capsFor, type Replayed, replay, rollingPeak } from "../schedule/replay.ts";
import type { UsageDay } from "./day.ts";

const MINUTE_MS = 60_000;

export interface PlanRow {
  readonly account: string;
  readonly perHour: number;
  readonly burst: number;
  /** Why it is in the list. */
  readonly why: "configured" | "asked" | "part of the peak";
  /** The most that would leave in any 60 minutes. */
  readonly peakHour: number;
  /** Seconds. */
  readonly p95Delay: number;
  readonly worstDelay: number;
  /** The most that would wait at once. */
  readonly backlog: number;
}

/** The recorded traffic of an account, and what each cap would make of it. */
export interface Plan {
  readonly account: string;
  /** The first and the last minute in which something was accepted, ISO 8601. */
  readonly from: string;
  readonly to: string;
  readonly messages: number;
  /** The most that was accepted in any 60 minutes. */
  readonly peakHour: number;
  readonly arrivals: Arrivals;
  readonly caps: readonly { readonly row: PlanRow; readonly departures: Arrivals }[];
}

export interface PlanAsked {
  readonly account: string;
  /** The pace of the config, if it has one. */
  readonly configured: { readonly perHour: number; readonly burst: number } | undefined;
  readonly perHour: readonly number[];
  readonly defaultBurst: (perHour: number) => number;
}

/** Undefined when nothing was accepted for the account. */
export function planFor(days: readonly UsageDay[], asked: PlanAsked): Plan | undefined {
  const arrivals = acceptedMinutes(days, asked.account);
  const [first, last] = [arrivals[0], arrivals.at(-1)];
  if (!first || !last) return undefined;
  const peakHour = rollingPeak(arrivals);
  return {
    account: asked.account,
    from: new Date(first[0] * MINUTE_MS).toISOString(),
    to: new Date((last[0] + 1) * MINUTE_MS).toISOString(),
    messages: arrivals.reduce((sum, [, count]) => sum + count, 0),
    peakHour,
    arrivals,
    caps: paces(asked, peakHour).map(({ why, ...pace }) => {
      const { departures, ...replayed } = replay(arrivals, pace);
      return { row: rowOf({ account: asked.account, why, ...pace }, replayed), departures };
    }),
  };
}

function rowOf(
  about: Pick<PlanRow, "account" | "perHour" | "burst" | "why">,
  replayed: Omit<Replayed, "departures">,
): PlanRow {
  const { peakHour, p95DelaySeconds: p95Delay, worstDelaySeconds: worstDelay, backlog } = replayed;
  return { ...about, peakHour, p95Delay, worstDelay, backlog };
}

/** Rising, each cap once: the config's own before the one that was asked for, that before a part of the peak. */
function paces(asked: PlanAsked, peakHour: number): Pick<PlanRow, "perHour" | "burst" | "why">[] {
  const { configured, perHour, defaultBurst } = asked;
  const withBurst = (cap: number) => ({ perHour: cap, burst: defaultBurst(cap) });
  const found = new Map<number, Pick<PlanRow, "perHour" | "burst" | "why">>();
  for (const cap of capsFor(peakHour)) found.set(cap, { ...withBurst(cap), why: "part of the peak" });
  for (const cap of perHour) found.set(cap, { ...withBurst(cap), why: "asked" });
  if (configured) found.set(configured.perHour, { ...configured, why: "configured" });
  return [...found.values()].sort((a, b) => a.perHour - b.perHour);
}

/** Over all hosts of these days, rising. */
function acceptedMinutes(days: readonly UsageDay[], account: string): Arrivals {
  const minutes = new Map<number, number>();
  for (const day of days)
    for (const { minute, accepted } of day.minutesOf(account))
      if (accepted > 0) minutes.set(minute, (minutes.get(minute) ?? 0) + accepted);
  return [...minutes].sort(([a], [b]) => a - b);
}
