/**
 * The contract's year as lines: what was left at the end of each day, where that leads, and the even pace.
 *
 * Promises: pure; times in seconds since 1970, as the chart wants them; the forecast is the agent's, not made here.
 */
import type { YearOverview } from "./api.ts";

export type Measure = "messages" | "bytes";

export interface BurnDown {
  readonly at: readonly number[];
  /** Of the limit; null after today. */
  readonly left: readonly (number | null)[];
  /** From today to the year's end; null before. */
  readonly forecast: readonly (number | null)[];
  readonly even: readonly (number | null)[];
  readonly limit: number;
}

export function burnDown(year: YearOverview, measure: Measure, nowMs: number): BurnDown | undefined {
  const { used, limit, forecast } = year[measure];
  if (limit === null) return undefined;
  const [from, to] = [seconds(year.from), seconds(year.to)];
  const now = Math.min(Math.max(nowMs / 1000, from), to);
  const days = year.days
    .map((day) => ({ at: seconds(`${day.day}T23:59:59Z`), left: limit - day[measure] }))
    .filter(({ at }) => at > from && at < now);
  const known = [{ at: from, left: limit }, ...days, { at: now, left: limit - used }];
  const even = (at: number) => limit * (1 - (at - from) / (to - from));
  return {
    at: [...known.map(({ at }) => at), to],
    left: [...known.map(({ left }) => left), null],
    forecast: [...known.slice(1).map(() => null), limit - used, limit - forecast],
    even: [...known.map(({ at }) => even(at)), 0],
    limit,
  };
}

function seconds(iso: string): number {
  return Date.parse(iso) / 1000;
}
