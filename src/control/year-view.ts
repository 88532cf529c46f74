/**
 * The contract's year of an account, as the page shows it: used, of how much, what it will come to, and day by day.
 *
 * Promises: pure; cheap enough for every look. The total is of all hosts as far as they are known here; the days, and the
 * rate of the forecast, are this host's, and the others are taken to grow alike.
 */
import { contractYear, forecast, recentSpan, type Span } from "../schedule/contract-year.ts";
import type { Pace } from "../schedule/pace.ts";
import type { YearOverview } from "./overview.ts";

type PerYear = NonNullable<Extract<Pace, { kind: "paced" }>["perYear"]>;
type Total = { readonly messages: number; readonly bytes: number };

export interface YearSource {
  /** What each host used, by installation. */
  totals(account: string, year: Span): ReadonlyMap<string, Total>;
  /** What was sent here on each day with mail, rising. */
  days(account: string, fromMs: number, toMs: number): readonly (Total & { readonly day: string })[];
}

const NOTHING: Total = { messages: 0, bytes: 0 };

export function yearView(
  source: YearSource,
  { name, perYear }: { readonly name: string; readonly perYear: PerYear },
  nowMs: number,
): YearOverview {
  const year = contractYear(perYear.starts, nowMs);
  const used = [...source.totals(name, year).values()].reduce(added, NOTHING);
  const days = source.days(name, year.fromMs, year.toMs);
  const own = days.reduce(added, NOTHING);
  const [first] = source.days(name, 0, nowMs + 1);
  const recent = recentSpan(first === undefined ? nowMs : Date.parse(first.day), nowMs);
  // What is known by the day is divided by whole days, and what there is of this one.
  const span = { ...recent, fromMs: recent.fromMs - (recent.fromMs % DAY_MS) };
  const expected = forecast(year, used, {
    span,
    amount: source.days(name, span.fromMs, nowMs + DAY_MS).reduce(added, NOTHING),
    shareOfAll: own.messages === 0 ? 1 : own.messages / used.messages,
  });
  const measure = (which: "messages" | "bytes") => ({
    used: used[which],
    limit: perYear[which] ?? null,
    forecast: expected?.[which] ?? used[which],
  });
  return {
    from: new Date(year.fromMs).toISOString(),
    to: new Date(year.toMs).toISOString(),
    at: perYear.at,
    messages: measure("messages"),
    bytes: measure("bytes"),
    days: running(days),
  };
}

const DAY_MS = 86_400_000;

function running(days: readonly (Total & { readonly day: string })[]): YearOverview["days"] {
  let sum = NOTHING;
  return days.map(({ day, ...amount }) => {
    sum = added(sum, amount);
    return { day, ...sum };
  });
}

function added(a: Total, b: Total): Total {
  return { messages: a.messages + b.messages, bytes: a.bytes + b.bytes };
}
