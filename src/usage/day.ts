/**
 * One day of the ledger: what each account, sender and local user sent in each hour, and each minute's sums.
 *
 * Promises: a file of a few kilobytes that can be read with `less`; days, hours and minutes are UTC; `through` says how
 * much of the journal is in it, so that nothing is counted twice whatever a crash cut off. Senders are bounded by the config;
 * of local users the first hundred of a day have rows of their own, the others share one.
 * Refuses a file that it did not write (`parse` gives undefined).
 */
import type { Marks } from "../journal/tail.ts";
import type { Amount } from "../schedule/contract-year.ts";

const MINUTE_MS = 60_000;
const USERS_MAX = 100;
/** Who comes when a day has its users. No name of a user looks like this. */
const OTHER_USERS = "(others)";

/** What one transaction was charged. */
export interface Sent extends Amount {
  readonly atMs: number;
  readonly account: string;
  /** The envelope sender it went out with. */
  readonly sender: string;
  /** The local user whose program it came from, when known. */
  readonly user: string | null;
  readonly class: "urgent" | "bulk";
}

/** What was sent in one hour by one sender. */
export interface HourRow extends Amount {
  readonly hour: number;
  readonly account: string;
  readonly sender: string;
  readonly user: string | null;
  readonly class: "urgent" | "bulk";
}

/** What an account sent, and what was accepted for it, in one minute (minutes since 1970). */
export interface MinuteRow extends Amount {
  readonly minute: number;
  /** In transactions, as they will be charged. */
  readonly accepted: number;
}

/** Who wrote a day: this installation, at that time. */
export interface Origin {
  readonly host: string;
  readonly instance: string;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type HourFields = [number, string, string, string | null, "urgent" | "bulk", number, number, number];
type MinuteFields = [minute: number, messages: number, recipients: number, bytes: number, accepted: number];

interface Stored extends Origin {
  readonly v: 1;
  readonly day: string;
  readonly through: Marks;
  readonly hours: readonly HourFields[];
  readonly minutes: Readonly<Record<string, readonly MinuteFields[]>>;
}

export class UsageDay {
  readonly day: string;
  readonly origin: Origin;
  /** All of the journal before these marks is in it. */
  readonly through: Marks;
  readonly #startMinute: number;
  readonly #hours = new Map<string, Mutable<HourRow>>();
  readonly #users = new Set<string>();
  readonly #minutes = new Map<string, Map<number, Mutable<MinuteRow>>>();

  constructor(day: string, origin: Origin, through: Marks = {}) {
    this.day = day;
    this.origin = origin;
    this.through = through;
    this.#startMinute = Date.parse(day) / MINUTE_MS;
  }

  /** What stands in a file; undefined when it is not one of ours. */
  static parse(text: string): UsageDay | undefined {
    const stored = storedIn(text);
    if (!stored) return undefined;
    const { day, host, instance, through, hours, minutes } = stored;
    const found = new UsageDay(day, { host, instance }, through);
    for (const [hour, account, sender, user, name, messages, recipients, bytes] of hours)
      found.#addHour({ hour, account, sender, user, class: name, messages, recipients, bytes });
    for (const [account, rows] of Object.entries(minutes)) {
      for (const [minute, messages, recipients, bytes, accepted] of rows)
        found.#addMinute(account, {
          minute: found.#startMinute + minute,
          messages,
          recipients,
          bytes,
          accepted,
        });
    }
    return found;
  }

  /** A transaction was charged on this day. */
  sent(sent: Sent): void {
    const { account, sender, class: name, messages, recipients, bytes } = sent;
    const user = this.#userInRows(sent.user);
    const minute = Math.floor(sent.atMs / MINUTE_MS);
    const hour = Math.floor((minute - this.#startMinute) / 60);
    this.#addHour({ hour, account, sender, user, class: name, messages, recipients, bytes });
    this.#addMinute(account, { minute, messages, recipients, bytes, accepted: 0 });
  }

  /** Mail came in that will take so many transactions. */
  accepted(account: string, atMs: number, transactions: number): void {
    const minute = Math.floor(atMs / MINUTE_MS);
    this.#addMinute(account, { minute, messages: 0, recipients: 0, bytes: 0, accepted: transactions });
  }

  get hours(): readonly HourRow[] {
    return [...this.#hours.values()].sort((a, b) => a.hour - b.hour);
  }

  get accounts(): readonly string[] {
    return [...this.#minutes.keys()];
  }

  /** Rising. */
  minutesOf(account: string): readonly MinuteRow[] {
    return [...(this.#minutes.get(account)?.values() ?? [])].sort((a, b) => a.minute - b.minute);
  }

  /** The file that says all of it, and that all of the journal before `through` is in it. */
  toText(through: Marks): string {
    const { day, origin } = this;
    const hours = this.hours.map(({ hour, account, sender, user, class: name, ...sum }): HourFields => {
      return [hour, account, sender, user, name, sum.messages, sum.recipients, sum.bytes];
    });
    const minutes = this.accounts.map((account) => [account, this.#minuteFields(account)]);
    const stored: Stored = { v: 1, day, ...origin, through, hours, minutes: Object.fromEntries(minutes) };
    return `${JSON.stringify(stored)}\n`;
  }

  #minuteFields(account: string): MinuteFields[] {
    return this.minutesOf(account).map(({ minute, messages, recipients, bytes, accepted }) => {
      return [minute - this.#startMinute, messages, recipients, bytes, accepted];
    });
  }

  #userInRows(user: string | null): string | null {
    return user === null || this.#users.has(user) || this.#users.size < USERS_MAX ? user : OTHER_USERS;
  }

  #addHour(row: HourRow): void {
    const { hour, account, sender, user, class: name } = row;
    if (user !== null) this.#users.add(user);
    const key = JSON.stringify([hour, account, sender, user, name]);
    const known = this.#hours.get(key);
    if (known) add(known, row);
    else this.#hours.set(key, { ...row });
  }

  #addMinute(account: string, row: MinuteRow): void {
    const rows = this.#minutes.get(account) ?? new Map<number, Mutable<MinuteRow>>();
    this.#minutes.set(account, rows);
    const known = rows.get(row.minute);
    if (!known) return void rows.set(row.minute, { ...row });
    add(known, row);
    known.accepted += row.accepted;
  }
}

/** The day of a time, YYYY-MM-DD. */
export function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

function add(sum: Mutable<Amount>, more: Amount): void {
  sum.messages += more.messages;
  sum.recipients += more.recipients;
  sum.bytes += more.bytes;
}

function storedIn(text: string): Stored | undefined {
  try {
    const found = JSON.parse(text) as Partial<Stored> | null;
    return found?.v === 1 && found.hours && found.minutes && found.day ? (found as Stored) : undefined;
  } catch {
    return undefined;
  }
}
