/**
 * What the lanes of one account share: what is due, its budget, what is in hand.
 *
 * Promises: a message is in hand from the moment that its job is active until it is settled; what waits is counted once
 * for all lanes; whoever waits for work hears when there may be some; the time something last moved is known.
 */
import type { Events } from "../observe/events.ts";
import type { Pacer } from "../pacing/pacer.ts";
import type { AccountQueue, Fetched } from "../queue/account-queue.ts";
import { Budget } from "./budget.ts";
import { Pause } from "./pause.ts";
import { Signal, WaitingRoom } from "./signal.ts";
import { Turnstile } from "./turnstile.ts";

const LONG_MS = 1000;

export interface WorkParts {
  readonly account: string;
  readonly queue: AccountQueue;
  readonly pacer: Pacer;
  readonly events: Events;
  readonly now: () => number;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
}

export class Work {
  readonly budget: Budget;
  readonly pause: Pause;
  /** The feeder waits here. */
  readonly changed = new Signal();
  /** Lanes without work wait here. */
  readonly idle = new WaitingRoom();
  readonly #parts: WorkParts;
  /** When each was fetched. */
  readonly #inHand = new Map<string, number>();
  readonly #fetching = new Turnstile();
  /** What `due` said last, less what was fetched since. */
  #waiting = 0;
  #movedMs: number;

  constructor(parts: WorkParts) {
    this.#parts = parts;
    const { pacer, elapsed, events, account } = parts;
    const onPaced = (waitMs: number) => events.report("paced", { account, waiting: this.#waiting, waitMs });
    this.budget = new Budget({ pacer, elapsed, onPaced });
    this.pause = new Pause(elapsed);
    this.#movedMs = elapsed();
  }

  /** Something became due, or may go on: look again. */
  wake(): void {
    this.#waiting = 0;
    this.changed.wake();
    this.idle.wakeAll();
  }

  /** Asks the queue how much is due, and when the next will be that is not. */
  async look(): Promise<{ readonly waiting: number; readonly nextDueMs: number | undefined }> {
    const due = await this.#parts.queue.due(this.#parts.now());
    this.#waiting = due.waiting;
    if (due.waiting === 0) this.moved();
    return due;
  }

  /** Whether something is due, as far as known; asks when nothing is known to be. */
  async isDue(): Promise<boolean> {
    if (this.#waiting <= 0) await this.look();
    return this.#waiting > 0;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** What was due is gone, or not to be had. */
  nothingDue(): void {
    this.#waiting = 0;
  }

  /** The next message, in hand from the moment that it is active; `done` must follow. */
  fetch(): Promise<Fetched | undefined> {
    this.#waiting--;
    return this.#fetching.pass(async () => {
      const fetched = await this.#parts.queue.fetch();
      if (fetched) this.#inHand.set(fetched.id, this.#parts.elapsed());
      return fetched;
    });
  }

  done({ id }: Fetched): void {
    this.#inHand.delete(id);
    this.moved();
  }

  /** Messages that are in hand for a good while: their lanes are of no use to the others. */
  get longInHand(): number {
    const long = this.#parts.elapsed() - LONG_MS;
    return [...this.#inHand.values()].filter((sinceMs) => sinceMs < long).length;
  }

  inHand(id: string): boolean {
    return this.#inHand.has(id);
  }

  /** Runs `work` while no message is being fetched: what is active then is in hand, or in nobody's. */
  whileNotFetching<T>(work: () => Promise<T>): Promise<T> {
    return this.#fetching.closedWhile(work);
  }

  /** Something went as it should: work was done, or there is a reason to wait. */
  moved(): void {
    this.#movedMs = this.#parts.elapsed();
  }

  /** How long nothing moved although mail may be due, milliseconds. */
  get stillMs(): number {
    return this.#parts.elapsed() - this.#movedMs;
  }
}
