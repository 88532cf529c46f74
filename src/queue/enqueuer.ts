/**
 * From the spool to the queue: ids that have custody and need their job.
 *
 * Promises: never makes anyone wait; many ids share a round trip; an add that failed is tried until it works.
 * Refuses to grow: beyond `MAX_PENDING` ids it forgets them all and asks for recovery, which finds them on disk.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { crashPoint } from "../observe/crash-point.ts";
import type { Due } from "./account-queue.ts";

const BATCH = 500;
const MAX_PENDING = 20_000;
const RETRY_MS = 500;

/** A message to queue under its account. */
export interface Pending extends Due {
  /** Null: of no account yet, parked by policy. */
  readonly account: string | null;
}

export interface EnqueuerOptions {
  readonly add: (account: string | null, messages: readonly Due[]) => Promise<void>;
  readonly added: (account: string | null) => void;
  readonly overflowed: () => void;
  readonly onTrouble: (reason: string) => void;
}

export class Enqueuer {
  readonly #options: EnqueuerOptions;
  #pending: Pending[] = [];
  #running = false;
  #stopped = false;

  constructor(options: EnqueuerOptions) {
    this.#options = options;
  }

  enqueue(message: Pending): void {
    if (this.#pending.length >= MAX_PENDING) {
      this.#pending = [];
      this.#options.overflowed();
    }
    this.#pending.push(message);
    if (!this.#running && !this.#stopped) {
      this.#running = true;
      setImmediate(() => void this.#run()); // what is accepted in this turn goes in one batch
    }
  }

  /** Stops trying; what has no job is found on disk at the next start. */
  stop(): void {
    this.#stopped = true;
    this.#pending = [];
  }

  async #run(): Promise<void> {
    while (this.#pending.length > 0 && !this.#stopped) {
      const batch = this.#pending.slice(0, BATCH);
      try {
        await this.#addBatch(batch);
        // The list may have been forgotten meanwhile: what is left of this batch at its head is done.
        const done = new Set(batch);
        this.#pending = this.#pending.filter((message) => !done.has(message));
      } catch (error) {
        this.#options.onTrouble((error as Error).message);
        await sleep(RETRY_MS);
      }
    }
    this.#running = false;
  }

  async #addBatch(batch: readonly Pending[]): Promise<void> {
    for (const account of new Set(batch.map((message) => message.account))) {
      await this.#options.add(
        account,
        batch.filter((message) => message.account === account),
      );
      crashPoint("queued");
      this.#options.added(account);
    }
  }
}
