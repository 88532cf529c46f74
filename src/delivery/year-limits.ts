/**
 * The contract's year of each account that has one (config `pace.perYear`): warned of at 80, 90 and 100 %, held at the end.
 *
 *     ledger ─▶ own total ─▶ with the totals of the other hosts ─▶ a warning for each threshold, once a year
 *                                                              └▶ at: hold, used up ─▶ bulk mail waits, with a reason
 *
 * Promises: what is held goes on by itself when the year turns or the limit is raised; urgent mail is never held; warnings
 * and what is known of other hosts outlive a restart (`<stateDir>/delivery.json`). Until the year is added up after a
 * start, bulk mail that may have to be held waits. Looks every few seconds, so the limit is passed by the mail of those.
 */
import type { Account } from "../config/config.ts";
import type { Events } from "../observe/events.ts";
import { exchangeTotals, larger, type YearTotal, type YearTotals } from "../pacing/year-totals.ts";
import type { Redis } from "../queue/redis.ts";
import { contractYear, type Span } from "../schedule/contract-year.ts";
import type { Pace } from "../schedule/pace.ts";
import type { Kept } from "./kept.ts";

const THRESHOLDS = [100, 90, 80] as const;
const MEASURES = ["messages", "bytes"] as const;
const SECTION = "years";
/** Between two looks while nothing is near its limit. */
const CALM_MS = 60_000;
/** From there on, and when a minute's mail could lead there, it is looked at each time. */
const NEAR = 0.9;

type Measure = (typeof MEASURES)[number];
type PerYear = NonNullable<Extract<Pace, { kind: "paced" }>["perYear"]>;

/** What the ledger of this host knows. */
export interface YearLedger {
  /** Brings it up to date. */
  fold(): Promise<void>;
  /** By installation. */
  totals(account: string, fromMs: number, toMs: number): YearTotals;
}

export interface YearLimitsParts {
  readonly ledger: YearLedger;
  readonly kept: Pick<Kept, "section" | "put">;
  readonly events: Pick<Events, "report">;
  /** Whether other hosts may use the credentials too. */
  readonly shared: boolean;
  readonly now: () => number;
  /** Mail that was held may go on. */
  readonly onReleased: () => void;
}

/** What is kept of an account's year. */
interface Stored {
  /** When it began, ISO 8601. */
  readonly from: string;
  readonly hosts: Readonly<Record<string, YearTotal>>;
  /** The highest threshold that was warned of, and the limit that it was of. */
  readonly warned: Readonly<Partial<Record<Measure, { readonly percent: number; readonly limit: number }>>>;
}

/** An account that has a limit. */
interface Limited {
  readonly name: string;
  readonly username: string;
  readonly perYear: PerYear;
  /** The most that it may send in a minute. */
  readonly aMinute: YearTotal;
}

interface Used {
  readonly measure: Measure;
  readonly used: number;
  readonly limit: number;
  readonly percent: number;
}

export class YearLimits {
  readonly #parts: YearLimitsParts;
  #limited: readonly Limited[] = [];
  readonly #held = new Map<string, string>();
  #stored: Readonly<Record<string, Stored>>;
  /** When nothing was near its limit. */
  #calmAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: YearLimitsParts) {
    this.#parts = parts;
    this.#stored = (parts.kept.section(SECTION) ?? {}) as Record<string, Stored>;
  }

  /** These are the accounts from now on; `largestBytes`: the largest message there is (config `limits.messageSize`). */
  use(accounts: readonly Pick<Account, "name" | "username" | "pace">[], largestBytes: number): void {
    this.#limited = accounts.flatMap(({ name, username, pace }) => {
      if (pace.kind === "unlimited" || !pace.perYear) return [];
      const messages = pace.perHour / 60 + pace.burst;
      const aMinute = { messages, bytes: messages * largestBytes };
      return [{ name, username, perYear: pace.perYear, aMinute }];
    });
    this.#calmAtMs = Number.NEGATIVE_INFINITY;
    const mayHold = new Set(
      this.#limited.filter(({ perYear }) => perYear.at === "hold").map(({ name }) => name),
    );
    for (const name of mayHold)
      if (!this.#held.has(name)) this.#held.set(name, "the mail of the contract's year is being added up");
    for (const name of [...this.#held.keys()]) if (!mayHold.has(name)) this.#hold(name, undefined);
  }

  /** Why bulk mail of the account is held, if it is. */
  heldReason(account: string): string | undefined {
    return this.#held.get(account);
  }

  /** What each host used of an account's year, as far as is known here. */
  totals(account: string, year: Span): YearTotals {
    return larger(
      keptTotals(this.#stored[account], year),
      this.#parts.ledger.totals(account, year.fromMs, year.toMs),
    );
  }

  /** Adds up, warns, holds and lets go; called every few seconds, most calls have nothing to do. */
  async look(redis: Redis): Promise<void> {
    const { ledger, now, kept } = this.#parts;
    const sinceMs = now() - this.#calmAtMs; // below 0: the clock was set back
    if (this.#limited.length === 0 || (sinceMs >= 0 && sinceMs < CALM_MS)) return;
    await ledger.fold();
    const limited = this.#limited;
    let calm = true;
    for (const account of limited) {
      const year = contractYear(account.perYear.starts, now());
      const hosts = await this.#totals(redis, account, year);
      if (this.#limited !== limited) return; // the config is another: the next look goes by that
      const used = usedOf(account.perYear, hosts);
      this.#judge(account, { year, hosts, used });
      if (account.perYear.at === "hold") calm &&= used.every((one) => !isNear(one, account.aMinute));
    }
    this.#calmAtMs = calm ? now() : Number.NEGATIVE_INFINITY;
    if (JSON.stringify(kept.section(SECTION)) !== JSON.stringify(this.#stored))
      await kept.put(SECTION, this.#stored);
  }

  /** What all hosts used of the year, as far as is known here. */
  async #totals(redis: Redis, { name, username }: Limited, year: Span): Promise<YearTotals> {
    const known = this.totals(name, year);
    if (!this.#parts.shared) return known;
    return exchangeTotals(redis, { username, fromMs: year.fromMs }, known).catch(() => known); // that it is away is told elsewhere
  }

  #judge(
    { name, perYear }: Limited,
    {
      year,
      hosts,
      used,
    }: { readonly year: Span; readonly hosts: YearTotals; readonly used: readonly Used[] },
  ): void {
    const from = new Date(year.fromMs).toISOString();
    const before = this.#stored[name];
    const warned = before?.from === from ? { ...before.warned } : {};
    for (const { measure, limit, percent, ...rest } of used) {
      const told = warned[measure]?.limit === limit ? (warned[measure]?.percent ?? 0) : 0;
      const reached = THRESHOLDS.find((threshold) => percent >= threshold) ?? 0;
      if (reached <= told) continue;
      warned[measure] = { percent: reached, limit };
      this.#warn(name, { percent: reached, measure, used: rest.used, limit, at: perYear.at, from });
    }
    this.#stored = { ...this.#stored, [name]: { from, hosts: Object.fromEntries(hosts), warned } };
    const over = perYear.at === "hold" ? used.find(({ percent }) => percent >= 100) : undefined;
    this.#hold(name, over && reasonOf(over, year));
  }

  #warn(
    account: string,
    { from, ...said }: { from: string; percent: number } & Record<string, unknown>,
  ): void {
    this.#parts.events.report("usage", { account, ...said, year: from.slice(0, 10) }, "warn");
  }

  #hold(account: string, reason: string | undefined): void {
    const wasHeld = this.#held.has(account);
    if (reason !== undefined) this.#held.set(account, reason);
    else if (this.#held.delete(account) && wasHeld) this.#parts.onReleased();
  }
}

/** What is kept of the hosts that share an account, if it is of this year. */
export function keptTotals(stored: unknown, year: Span): YearTotals {
  const { from, hosts } = (stored ?? {}) as Partial<Stored>;
  return from === new Date(year.fromMs).toISOString() ? new Map(Object.entries(hosts ?? {})) : new Map();
}

/** The section of `<stateDir>/delivery.json` that `keptTotals` reads, of one account. */
export function keptYear(kept: Pick<Kept, "section">, account: string): unknown {
  return (kept.section(SECTION) as Readonly<Record<string, unknown>> | undefined)?.[account];
}

/** How much of each limit there is. */
function usedOf(perYear: PerYear, hosts: YearTotals): Used[] {
  return MEASURES.flatMap((measure) => {
    const limit = perYear[measure];
    if (limit === undefined) return [];
    const used = [...hosts.values()].reduce((sum, total) => sum + total[measure], 0);
    return [{ measure, used, limit, percent: (100 * used) / limit }];
  });
}

function isNear({ measure, used, limit }: Used, aMinute: YearTotal): boolean {
  return used + aMinute[measure] >= limit * NEAR;
}

function reasonOf({ measure, used, limit }: Used, year: Span): string {
  const until = new Date(year.toMs).toISOString().slice(0, 10);
  return `the year's ${limit} ${measure} are used (${used}): bulk mail waits until ${until}, or until pace.perYear is raised`;
}
