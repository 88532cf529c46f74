/**
 * What only Redis knows of how things stand, asked once for all who ask.
 *
 * Promises: asked at most once a second however many ask; nobody waits longer than two seconds: what did not come by then
 * is as it was last known. The oldest messages, which cost more the more there are, are asked for a hundredth of the time.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { ShownState } from "./queue-view.ts";

const FRESH_MS = 1000;
const PATIENCE_MS = 2000;
const OLDEST_SHARE = 100;

export interface Counts {
  /** Null: of mail without one. */
  readonly account: string | null;
  readonly states: Readonly<Record<ShownState, number>>;
}

export type Budgets = Readonly<Record<string, { readonly used: number; readonly perHour: number } | null>>;

export interface SnapshotSource {
  /** Each rejects while Redis does not answer. */
  counts(): Promise<readonly Counts[]>;
  budgets(): Promise<Budgets>;
  oldest(): Promise<readonly { readonly account: string | null; readonly acceptedMs: number | null }[]>;
}

export interface Snapshot {
  /** Undefined: never known since the start. */
  readonly counts: readonly Counts[] | undefined;
  /** Undefined while Redis is away: a budget moves on. */
  readonly budgets: Budgets | undefined;
  /** When the oldest message was accepted, by account; milliseconds since 1970. */
  readonly oldest: ReadonlyMap<string | null, number>;
}

export class Snapshots {
  readonly #source: SnapshotSource;
  readonly #elapsed: () => number;
  #counts: readonly Counts[] | undefined;
  #budgets: Budgets | undefined;
  #oldest: ReadonlyMap<string | null, number> = new Map();
  #oldestAgainMs = 0;
  #asked: { readonly atMs: number; readonly answer: Promise<Snapshot> } | undefined;

  /** `elapsed`: monotonic milliseconds. */
  constructor(source: SnapshotSource, elapsed: () => number) {
    this.#source = source;
    this.#elapsed = elapsed;
  }

  now(): Promise<Snapshot> {
    const atMs = this.#elapsed();
    if (!this.#asked || atMs - this.#asked.atMs >= FRESH_MS) this.#asked = { atMs, answer: this.#take() };
    return this.#asked.answer;
  }

  async #take(): Promise<Snapshot> {
    const ended = new AbortController();
    const patience = sleep(PATIENCE_MS, undefined, { ref: false, signal: ended.signal }).catch(() => {});
    await Promise.race([Promise.all([this.#askCounts(), this.#askBudgets(), this.#askOldest()]), patience]);
    ended.abort();
    return { counts: this.#counts, budgets: this.#budgets, oldest: this.#oldest };
  }

  async #askCounts(): Promise<void> {
    this.#counts = (await this.#source.counts().catch(() => undefined)) ?? this.#counts;
  }

  async #askBudgets(): Promise<void> {
    this.#budgets = await this.#source.budgets().catch(() => undefined);
  }

  async #askOldest(): Promise<void> {
    const startMs = this.#elapsed();
    if (startMs < this.#oldestAgainMs) return;
    this.#oldestAgainMs = Number.POSITIVE_INFINITY; // while it is asked
    const found = await this.#source.oldest().catch(() => undefined);
    const tookMs = this.#elapsed() - startMs;
    // A Redis that hung took its time without any work.
    this.#oldestAgainMs = found ? startMs + tookMs * OLDEST_SHARE : startMs;
    if (!found) return;
    const known = found.flatMap(({ account, acceptedMs }) =>
      acceptedMs === null ? [] : [[account, acceptedMs] as const],
    );
    this.#oldest = new Map(known);
  }
}
