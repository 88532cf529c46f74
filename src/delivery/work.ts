/**
 * What the lanes of one account share: what is due, its budget, what is in hand.
 *
 * Promises: what is fetched is in hand (hands.ts) until it is settled; what waits is counted once for all lanes; whoever waits for work hears when there may be some; the time something last moved is known.
 */
import type { Events } from "../observe/events.ts";
import type { Pacer } from "../pacing/pacer.ts";
import type { AccountQueue, Fetched } from "../queue/account-queue.ts";
import type { MessageClass, Weight } from "../schedule/pace.ts";
import { Budget } from "./budget.ts";
import type { Hands } from "./hands.ts";
import { Pause } from "./pause.ts";
import { Signal, WaitingRoom } from "./signal.ts";

const LONG_MS = 1000;

export interface WorkParts {
  readonly account: string;
  readonly queue: AccountQueue;
  readonly pacer: Pacer;
  readonly events: Events;
  readonly now: () => number;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
  /** Why bulk mail is held for now whatever the hour allows, if it is. */
  readonly bulkHeld: () => string | undefined;
  /** What the account's lanes have, also those of a feeder before this one. */
  readonly hands: Hands;
}

export class Work {
  readonly budget: Budget;
  readonly pause: Pause;
  /** The feeder waits here. */
  readonly changed = new Signal();
  /** Lanes without work wait here. */
  readonly idle = new WaitingRoom();
  readonly #parts: WorkParts;
  /** When each that our lanes have was fetched. */
  readonly #fetchedMs = new Map<Fetched, number>();
  /** What `due` said last, less what was fetched since. */
  #waiting: Record<MessageClass, number> = { urgent: 0, bulk: 0 };
  #movedMs: number;

  constructor(parts: WorkParts) {
    this.#parts = parts;
    const { pacer, elapsed, events, account, bulkHeld } = parts;
    const onPaced = (waitMs: number, messageClass: MessageClass) =>
      events.report("paced", { account, class: messageClass, waiting: this.waiting, waitMs });
    this.budget = new Budget({ pacer, elapsed, onPaced, bulkHeld });
    this.pause = new Pause(elapsed);
    this.#movedMs = elapsed();
  }

  /** Something became due, or may go on: look again. */
  wake(): void {
    this.nothingDue();
    this.changed.wake();
    this.idle.wakeAll();
  }

  /** Asks the queue how much is due, and when the next will be that is not. */
  async look(): Promise<{ readonly waiting: number; readonly nextDueMs: number | undefined }> {
    const due = await this.#parts.queue.due(this.#parts.now());
    this.#waiting = { ...due.waiting };
    if (this.waiting === 0) this.moved();
    return { waiting: this.waiting, nextDueMs: due.nextDueMs };
  }

  /** Whether something is due, as far as known; asks when nothing is known to be. */
  async isDue(): Promise<boolean> {
    if (this.waiting <= 0) await this.look();
    return this.waiting > 0;
  }

  get waiting(): number {
    return this.#waiting.urgent + this.#waiting.bulk;
  }

  /** What may be fetched now, or how long to wait for it. */
  mayFetch(): ReturnType<Budget["may"]> {
    return this.budget.may(this.#waiting);
  }

  /** What was due is gone, or not to be had. */
  nothingDue(): void {
    this.#waiting = { urgent: 0, bulk: 0 };
  }

  /** The next message, in hand from the moment that it is active; `done` must follow. */
  async fetch(messageClass: MessageClass): Promise<Fetched | undefined> {
    this.#waiting[messageClass] = Math.max(0, this.#waiting[messageClass] - 1);
    const { hands, queue, elapsed } = this.#parts;
    const fetched = await hands.fetch(queue, messageClass);
    if (fetched) this.#fetchedMs.set(fetched, elapsed());
    return fetched;
  }

  /** Takes the charge of what was fetched; without one it is put back, and is due as before. */
  async charge({ class: messageClass }: Fetched, weight: Weight): ReturnType<Budget["charge"]> {
    const taken = await this.budget.charge(messageClass, weight);
    if ("waitMs" in taken) this.#waiting[messageClass]++;
    return taken;
  }

  done(fetched: Fetched): void {
    this.#fetchedMs.delete(fetched);
    this.#parts.hands.done(fetched);
    this.moved();
  }

  /** Messages that are in hand for a good while: their lanes are of no use to the others. */
  get longInHand(): number {
    const long = this.#parts.elapsed() - LONG_MS;
    return [...this.#fetchedMs.values()].filter((sinceMs) => sinceMs < long).length;
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
