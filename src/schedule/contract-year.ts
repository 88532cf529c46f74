/**
 * The contract's year: when it begins and ends, and what it will come to.
 *
 * Promises: pure; days are UTC, as everywhere in the ledger. A year begins at 00:00 of its first day and ends when the
 * next begins, so that a leap year has its 366 days.
 */

const DAY_MS = 86_400_000;
const RECENT_DAYS = 28;

/** Milliseconds since 1970, the end not included. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Amount {
  readonly messages: number;
  readonly recipients: number;
  readonly bytes: number;
}

/** The contract year in which `atMs` is; `starts`: its first day, MM-DD, a day that is in every year. */
export function contractYear(starts: string, atMs: number): Span {
  const year = new Date(atMs).getUTCFullYear();
  const begins = (one: number) => Date.parse(`${String(one).padStart(4, "0")}-${starts}T00:00:00Z`);
  const first = begins(year) <= atMs ? year : year - 1;
  return { fromMs: begins(first), toMs: begins(first + 1) };
}

/** What the year will come to if it goes on as lately. */
export interface Forecast {
  readonly messages: number;
  readonly bytes: number;
  /** How many days the rate is from; the last ones. */
  readonly days: number;
}

/** Over how long the rate of a forecast is taken: the last 28 days, or all that is recorded when that is less. */
export function recentSpan(recordedFromMs: number, nowMs: number): Span {
  return { fromMs: Math.max(recordedFromMs, nowMs - RECENT_DAYS * DAY_MS), toMs: nowMs };
}

/**
 * Straight on from `used` at the rate of `recent`. `shareOfAll`: how much of the total is this host's; the others are
 * taken to grow alike. Undefined while less than a day is recorded.
 */
export function forecast(
  year: Span,
  used: Pick<Amount, "messages" | "bytes">,
  recent: {
    readonly span: Span;
    readonly amount: Pick<Amount, "messages" | "bytes">;
    readonly shareOfAll: number;
  },
): Forecast | undefined {
  const { span, amount, shareOfAll } = recent;
  const lengthMs = span.toMs - span.fromMs;
  if (lengthMs < DAY_MS) return undefined;
  const times = (Math.max(0, year.toMs - span.toMs) / lengthMs) * (1 / shareOfAll);
  return {
    messages: Math.round(used.messages + amount.messages * times),
    bytes: Math.round(used.bytes + amount.bytes * times),
    days: Math.floor(lengthMs / DAY_MS),
  };
}
