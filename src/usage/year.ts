/**
 * The contract's year of an account, as people ask for it: what is used, of how much, and what it will come to.
 *
 * Promises: pure. The total is of all hosts as far as they are known here; the rate of the forecast is this host's, and
 * the others are taken to grow alike.
 */
import {
  type Amount,
  contractYear,
  type Forecast,
  forecast,
  recentSpan,
  type Span,
} from "../schedule/contract-year.ts";
import type { UsageDay } from "./day.ts";
import { recordedSpan } from "./records.ts";
import { sentMinutes } from "./rows.ts";

type Total = Pick<Amount, "messages" | "bytes">;

export interface YearStanding {
  readonly account: string;
  readonly year: Span;
  /** Used so far, over all hosts. */
  readonly used: Total;
  readonly limits: Partial<Total>;
  readonly forecast: Forecast | undefined;
  /** Since when this host has records, milliseconds since 1970; undefined: there are none. */
  readonly recordedFromMs: number | undefined;
  /** How many other hosts are in it. */
  readonly otherHosts: number;
}

export interface YearAsked {
  readonly account: string;
  /** MM-DD */
  readonly starts: string;
  readonly limits: Partial<Total>;
  /** What is known of the hosts that share the account, this one included, by installation. */
  readonly hosts: (year: Span) => ReadonlyMap<string, Total>;
}

export function yearStanding(days: readonly UsageDay[], asked: YearAsked, nowMs: number): YearStanding {
  const { account, starts, limits } = asked;
  const year = contractYear(starts, nowMs);
  const own = totalOf(days, account, year);
  const ours = new Set(days.map(({ origin }) => origin.instance));
  const others = [...asked.hosts(year)].filter(([instance]) => !ours.has(instance)).map(([, total]) => total);
  const used = [own, ...others].reduce(added);
  const recorded = recordedSpan(days);
  const span = recentSpan(recorded?.fromMs ?? nowMs, nowMs);
  const shareOfAll = own.messages === 0 ? 1 : own.messages / used.messages;
  const recent = { span, amount: totalOf(days, account, span), shareOfAll };
  return {
    account,
    year,
    used,
    limits,
    forecast: forecast(year, used, recent),
    recordedFromMs: recorded?.fromMs,
    otherHosts: others.length,
  };
}

function totalOf(days: readonly UsageDay[], account: string, { fromMs, toMs }: Span): Total {
  const within = sentMinutes(days, account).filter(
    ({ minute }) => minute * 60_000 >= fromMs - 59_999 && minute * 60_000 < toMs,
  );
  return within.reduce(added, { messages: 0, bytes: 0 } as Total);
}

function added(a: Total, b: Total): Total {
  return { messages: a.messages + b.messages, bytes: a.bytes + b.bytes };
}
