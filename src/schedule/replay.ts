/**
 * What a pace would do to recorded traffic: the mail of each minute goes through the same arithmetic as pace.ts.
 *
 * Promises: pure. First come, first served, one transaction a message, nothing deferred; a minute's mail is spread
 * evenly over it. Peaks and backlog are to the minute, delays below a day to the second, beyond it to the minute.
 */
import { allowanceUs, costUs } from "./pace.ts";

const MINUTE_US = 60_000_000;
const HOUR_MINUTES = 60;
const SECOND_US = 1_000_000;
const DAY_SECONDS = 86_400;

/** So many came in that minute (minutes since 1970). Rising, none twice. */
export type Arrivals = readonly (readonly [minute: number, count: number])[];

export interface Replayed {
  readonly messages: number;
  /** The most that leave in any 60 minutes. */
  readonly peakHour: number;
  /** Seconds: one message in twenty waits longer. */
  readonly p95DelaySeconds: number;
  readonly worstDelaySeconds: number;
  /** The most that wait at the end of a minute. */
  readonly backlog: number;
  /** How many leave in each minute. */
  readonly departures: Arrivals;
}

/** Lets the arrivals through a pace. */
export function replay(
  arrivals: Arrivals,
  pace: { readonly perHour: number; readonly burst: number },
): Replayed {
  const bucket = { measure: "messages", cap: pace.perHour, burst: pace.burst } as const;
  const cost = costUs(bucket, { recipients: 1, bytes: 1 });
  const allowance = Math.max(allowanceUs(bucket), cost);
  const delays = new Map<number, number>();
  const departures: [number, number][] = [];
  let freeAt = 0;
  let messages = 0;
  for (const [minute, count] of arrivals) {
    for (let n = 0; n < count; n++) {
      const cameAt = minute * MINUTE_US + Math.floor((n * MINUTE_US) / count);
      const leavesAt = Math.max(cameAt, freeAt + cost - allowance);
      freeAt = Math.max(freeAt, leavesAt) + cost;
      countIn(delays, roundedSeconds((leavesAt - cameAt) / SECOND_US));
      countLast(departures, Math.floor(leavesAt / MINUTE_US));
    }
    messages += count;
  }
  return {
    messages,
    peakHour: rollingPeak(departures),
    ...quantiles(delays, messages),
    backlog: largestBacklog(arrivals, departures),
    departures,
  };
}

/** The most in any 60 minutes on end. */
export function rollingPeak(counts: Arrivals): number {
  let [sum, first, peak] = [0, 0, 0];
  for (const [minute, count] of counts) {
    sum += count;
    for (; (counts[first] as [number, number])[0] <= minute - HOUR_MINUTES; first++)
      sum -= (counts[first] as [number, number])[1];
    peak = Math.max(peak, sum);
  }
  return peak;
}

/** Caps worth a look: a quarter, a half, three quarters and all of a peak, in round numbers, rising. */
export function capsFor(peakHour: number): number[] {
  const caps = [0.25, 0.5, 0.75, 1].map((part) => Math.max(2, roundedUp(peakHour * part)));
  return [...new Set(caps)];
}

/** Two digits that count: 1234 is 1300, 87 is 87. */
function roundedUp(value: number): number {
  const unit = 10 ** Math.max(0, Math.ceil(Math.log10(Math.max(1, value))) - 2);
  return Math.ceil(value / unit) * unit;
}

function roundedSeconds(seconds: number): number {
  return seconds < DAY_SECONDS ? Math.ceil(seconds) : Math.ceil(seconds / 60) * 60;
}

function countIn(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function countLast(counts: [number, number][], minute: number): void {
  const last = counts.at(-1);
  if (last?.[0] === minute) last[1]++;
  else counts.push([minute, 1]);
}

function quantiles(
  delays: ReadonlyMap<number, number>,
  messages: number,
): Pick<Replayed, "p95DelaySeconds" | "worstDelaySeconds"> {
  const rising = [...delays].sort(([a], [b]) => a - b);
  let seen = 0;
  const p95 = rising.find(([, count]) => {
    seen += count;
    return seen >= messages * 0.95;
  });
  return { p95DelaySeconds: p95?.[0] ?? 0, worstDelaySeconds: rising.at(-1)?.[0] ?? 0 };
}

function largestBacklog(arrivals: Arrivals, departures: Arrivals): number {
  let [waiting, next, most] = [0, 0, 0];
  for (const [minute, count] of arrivals) {
    for (; (departures[next]?.[0] ?? Number.POSITIVE_INFINITY) < minute; next++)
      waiting -= departures[next]?.[1] ?? 0;
    waiting += count;
    const leaving = departures[next]?.[0] === minute ? (departures[next]?.[1] ?? 0) : 0;
    most = Math.max(most, waiting - leaving);
  }
  return most;
}
