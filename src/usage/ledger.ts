/**
 * The usage ledger of the running agent: the journal, added up a little at a time, once a minute and at stop.
 *
 *     journal ─▶ lines behind the marks ─▶ days in memory ─▶ their files, then the marks
 *
 * Promises: kill -9 at any instant loses and doubles nothing that is in the journal: what was not written is read again,
 * what was written says so. Nothing of it is in the way of a message. Days older than `keepMs` go.
 * Trouble with the disk is told, and tried again the next minute.
 */
import type { Amount } from "../schedule/contract-year.ts";
import { dayOf, type Origin, UsageDay } from "./day.ts";
import { nameOf, type ReadSoFar, UsageFiles } from "./files.ts";
import { foldOn } from "./fold.ts";

const EVERY_MS = 60_000;
const DAYS_IN_MEMORY = 2;

export interface LedgerParts {
  readonly folder: string;
  readonly journalFolder: string;
  readonly keepMs: number;
  readonly origin: Origin;
  readonly now: () => number;
  readonly onTrouble: (reason: string) => void;
}

/** What was charged on one day, YYYY-MM-DD. */
export type DaySum = Amount & { readonly day: string };

type ByAccount = ReadonlyMap<string, Amount>;

export class Ledger implements AsyncDisposable {
  readonly #parts: LedgerParts;
  readonly #files: UsageFiles;
  #keepMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** Days that were added to lately. */
  readonly #days = new Map<string, UsageDay>();
  /** The sums of all files, by name: what a year is added up from. */
  readonly #sums = new Map<
    string,
    { readonly day: string; readonly instance: string; readonly sums: ByAccount }
  >();
  #soFar: ReadSoFar | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(parts: LedgerParts) {
    this.#parts = parts;
    this.#keepMs = parts.keepMs;
    this.#files = new UsageFiles(parts.folder, parts.onTrouble);
  }

  /** Days older than this go from now on. */
  keep(keepMs: number): void {
    this.#keepMs = keepMs;
  }

  /** Adds up now, in the background, and every minute. */
  start(): void {
    const fold = () => void this.fold().catch(this.#told);
    this.#timer ??= setInterval(fold, EVERY_MS).unref();
    fold();
  }

  /** Adds what the journal has by now. Rejects when the disk failed; the next one does what is left. */
  fold(): Promise<void> {
    const next = this.#last.then(() => this.#fold());
    this.#last = next.catch(() => {});
    return next;
  }

  /** What each installation that worked in this state folder was charged for an account on these days, the last not included. */
  totals(account: string, fromMs: number, toMs: number): ReadonlyMap<string, Amount> {
    const [from, to] = [dayOf(fromMs), dayOf(toMs)];
    const totals = new Map<string, Amount>();
    for (const { day, instance, sums } of this.#sums.values()) {
      if (day < from || day >= to) continue;
      totals.set(instance, sum(totals.get(instance), sums.get(account)));
    }
    return totals;
  }

  /** What was charged for an account on each of these days, the last not included, by all who worked in this state folder; rising. */
  days(account: string, fromMs: number, toMs: number): readonly DaySum[] {
    const [from, to] = [dayOf(fromMs), dayOf(toMs)];
    const days = new Map<string, Amount>();
    for (const { day, sums } of this.#sums.values())
      if (day >= from && day < to) days.set(day, sum(days.get(day), sums.get(account)));
    return [...days].map(([day, amount]) => ({ day, ...amount })).sort((a, b) => (a.day < b.day ? -1 : 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.fold().catch(this.#told);
  }

  #told = (error: Error) => this.#parts.onTrouble(`cannot keep the usage ledger: ${error.message}`);

  async #fold(): Promise<void> {
    const { journalFolder, origin } = this.#parts;
    const soFar = this.#soFar ?? (await this.#open());
    const touched = new Map<string, UsageDay>();
    const dayFor = async (name: string) => {
      const day = this.#days.get(name) ?? (await this.#load(name));
      this.#days.set(name, day);
      touched.set(name, day);
      return day;
    };
    let marks = soFar.marks;
    try {
      for await (const advancedTo of foldOn(journalFolder, marks, dayFor)) marks = advancedTo;
      if (marks === soFar.marks) return;
      await this.#files.write([...touched.values()], { ...origin, marks });
    } catch (error) {
      // What is in memory and not on disk is read again.
      this.#days.clear();
      throw error;
    }
    this.#soFar = { ...origin, marks };
    for (const day of touched.values()) this.#remember(day);
    await this.#forget();
  }

  /** What the last run left. */
  async #open(): Promise<ReadSoFar> {
    await this.#files.make();
    for (const { name } of await this.#files.list()) {
      const day = await this.#files.read(name);
      if (day) this.#remember(day);
      else await this.#files.putAside(name);
    }
    this.#soFar = { ...this.#parts.origin, marks: (await this.#files.readSoFar())?.marks ?? {} };
    await this.#forget();
    return this.#soFar;
  }

  async #load(day: string): Promise<UsageDay> {
    const { origin } = this.#parts;
    const found = await this.#files.read(nameOf(day, origin.instance));
    return found ?? new UsageDay(day, origin);
  }

  #remember(day: UsageDay): void {
    const { instance } = day.origin;
    this.#sums.set(nameOf(day.day, instance), { day: day.day, instance, sums: sumsOf(day) });
  }

  /** What is too old for the folder, or for memory. */
  async #forget(): Promise<void> {
    const oldest = dayOf(this.#parts.now() - this.#keepMs);
    for (const [name, { day }] of this.#sums) {
      if (day >= oldest) continue;
      await this.#files.remove(name);
      this.#sums.delete(name);
    }
    for (const name of [...this.#days.keys()].sort().slice(0, -DAYS_IN_MEMORY)) this.#days.delete(name);
  }
}

function sumsOf(day: UsageDay): ByAccount {
  const sums = new Map<string, Amount>();
  for (const row of day.hours) sums.set(row.account, sum(sums.get(row.account), row));
  return sums;
}

/** Two amounts together; what is missing is nothing. */
export function sum(a: Amount | undefined, b: Amount | undefined): Amount {
  return {
    messages: (a?.messages ?? 0) + (b?.messages ?? 0),
    recipients: (a?.recipients ?? 0) + (b?.recipients ?? 0),
    bytes: (a?.bytes ?? 0) + (b?.bytes ?? 0),
  };
}
