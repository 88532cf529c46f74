/**
 * One account's budget, as the lanes use it: asked before a message is fetched, charged when its weight is known.
 *
 * Promises: while a wait is known Redis is not asked again; while urgent mail waits, bulk mail takes nothing of what it
 * waits for; a charge that no MAIL followed is given back. That we wait is told once a minute.
 */
import type { Pacer } from "../pacing/pacer.ts";
import { CHARGE_VALID_MS, type MessageClass, type PastCharge, type Weight } from "../schedule/pace.ts";

const TELL_MS = 60_000;
const PACED_MS = 5000;
const LEARN = 0.1;

/** How many messages of each class could be fetched. */
export type DueByClass = Readonly<Record<MessageClass, number>>;

export interface BudgetParts {
  readonly pacer: Pick<
    Pacer,
    "ask" | "charge" | "settle" | "refund" | "distrust" | "unlimited" | "intervalMs"
  >;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
  readonly onPaced: (waitMs: number, messageClass: MessageClass) => void;
  /** Why bulk mail is held for now whatever the hour allows, if it is. */
  readonly bulkHeld: () => string | undefined;
}

/** A charge in hand: `settle` or `refund` must follow. `valid` says whether a MAIL may still follow it. */
export interface Charge {
  readonly past: PastCharge;
  valid(): boolean;
  /** Its attempt is in the journal. */
  settle(): void;
  /** No MAIL followed it. */
  refund(): Promise<void>;
}

export class Budget {
  readonly #parts: BudgetParts;
  readonly #waitUntilMs: Record<MessageClass, number> = {
    urgent: Number.NEGATIVE_INFINITY,
    bulk: Number.NEGATIVE_INFINITY,
  };
  /** The last answer was yes: so is the next when what it said is over, likely, and the charge itself tells. */
  readonly #flows: Record<MessageClass, boolean> = { urgent: false, bulk: false };
  #toldMs = Number.NEGATIVE_INFINITY;
  /** Until when somebody waited last. */
  #waitedMs = Number.NEGATIVE_INFINITY;
  readonly #chargedMs: Record<MessageClass, number> = {
    urgent: Number.NEGATIVE_INFINITY,
    bulk: Number.NEGATIVE_INFINITY,
  };
  /** The mean time between two charges with a wait between them, the newest counting most. */
  readonly #seenMs: Record<MessageClass, number> = { urgent: 0, bulk: 0 };

  constructor(parts: BudgetParts) {
    this.#parts = parts;
  }

  /** Which class the next message may be fetched of, the most urgent that is due; or how long to wait, milliseconds. */
  async may(due: DueByClass): Promise<{ readonly fetch: MessageClass } | { readonly waitMs: number }> {
    const bulk = due.bulk > 0 && this.#parts.bulkHeld() === undefined;
    const messageClass = due.urgent > 0 ? "urgent" : bulk ? "bulk" : undefined;
    if (messageClass === undefined) return { waitMs: Number.POSITIVE_INFINITY };
    // A heavy urgent message would wait for ever while light bulk mail may go: what it waits for is kept for it.
    const waitMs = await this.#askedWait(messageClass);
    return waitMs === 0 ? { fetch: messageClass } : { waitMs };
  }

  /** Takes a charge, or says how long to wait for one. */
  async charge(
    messageClass: MessageClass,
    weight: Weight,
  ): Promise<{ readonly charge: Charge } | { readonly waitMs: number }> {
    const { pacer, elapsed } = this.#parts;
    const atMs = elapsed(); // before the call: it is not younger than that
    const answer = await pacer.charge(messageClass, weight);
    if ("waitMs" in answer) {
      this.#flows[messageClass] = false;
      this.#waitUntilMs[messageClass] = elapsed() + answer.waitMs;
      return { waitMs: this.#waits(messageClass) };
    }
    this.#sawCharge(messageClass, atMs);
    this.#flows[messageClass] = true;
    this.#waitUntilMs[messageClass] = elapsed() + answer.nextMs;
    const past = answer.charged;
    return {
      charge: {
        past,
        valid: () => elapsed() - atMs < CHARGE_VALID_MS,
        settle: () => pacer.settle(past),
        refund: () => {
          this.#waitUntilMs[messageClass] = Number.NEGATIVE_INFINITY;
          return pacer.refund(past, elapsed() - atMs);
        },
      },
    };
  }

  /** How long a class has to wait as far as is known, milliseconds; 0 when nothing is known to hold it up. */
  knownWaitMs(messageClass: MessageClass): number {
    return Math.max(0, this.#waitUntilMs[messageClass] - this.#parts.elapsed());
  }

  /** Whether messages wait for the budget: one did a moment ago. */
  get paced(): boolean {
    const sinceMs = this.#parts.elapsed() - this.#waitedMs;
    return sinceMs < PACED_MS + 2 * this.intervalMs("bulk");
  }

  /** The time between two messages of a class while they wait: the pace's own, or what was seen lately if that is longer. */
  intervalMs(messageClass: MessageClass): number {
    return Math.max(this.#parts.pacer.intervalMs(messageClass), this.#seenMs[messageClass]);
  }

  /** Redis may have come back with an older budget: the journal is asked before the next charge. */
  distrust(): void {
    this.#parts.pacer.distrust();
    this.#flows.urgent = this.#flows.bulk = false;
    this.#waitUntilMs.urgent = this.#waitUntilMs.bulk = Number.NEGATIVE_INFINITY;
  }

  /** A charge after a wait tells how long the interval really is. */
  #sawCharge(messageClass: MessageClass, atMs: number): void {
    const sinceMs = atMs - this.#chargedMs[messageClass];
    if (this.#waitedMs > this.#chargedMs[messageClass] && Number.isFinite(sinceMs)) {
      const before = this.#seenMs[messageClass] || sinceMs;
      this.#seenMs[messageClass] = before + (sinceMs - before) * LEARN;
    }
    this.#chargedMs[messageClass] = atMs;
  }

  async #askedWait(messageClass: MessageClass): Promise<number> {
    if (this.#parts.pacer.unlimited) return 0;
    if (this.knownWaitMs(messageClass) > 0) return this.#waits(messageClass);
    if (this.#flows[messageClass]) return 0;
    const waitMs = await this.#parts.pacer.ask(messageClass);
    if (waitMs === 0) return 0;
    this.#waitUntilMs[messageClass] = this.#parts.elapsed() + waitMs;
    return this.#waits(messageClass);
  }

  /** How long a class that has mail has to wait, milliseconds; tells it, once a minute. */
  #waits(messageClass: MessageClass): number {
    const waitMs = this.knownWaitMs(messageClass);
    const now = this.#parts.elapsed();
    this.#waitedMs = now + waitMs;
    if (now - this.#toldMs >= TELL_MS) {
      this.#toldMs = now;
      this.#parts.onPaced(Math.ceil(waitMs), messageClass);
    }
    return waitMs;
  }
}
