/**
 * One account's budget, as the lanes use it: asked before a message is fetched, charged when its weight is known.
 *
 * Promises: while a wait is known Redis is not asked again; each class waits for itself, so that urgent mail never waits
 * for bulk; a charge that no MAIL followed is given back. That we wait is told once a minute.
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
  /** The last answer was yes: the next is likely to be, and the charge itself tells. */
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
    let waitMs = Number.POSITIVE_INFINITY;
    for (const messageClass of ["urgent", "bulk"] as const) {
      if (due[messageClass] <= 0 || (messageClass === "bulk" && this.#parts.bulkHeld() !== undefined))
        continue;
      const wait = await this.#askedWait(messageClass);
      if (wait === 0) return { fetch: messageClass };
      waitMs = Math.min(waitMs, wait);
    }
    return { waitMs };
  }

  /** Takes a charge, or says how long to wait for one. */
  async charge(
    messageClass: MessageClass,
    weight: Weight,
  ): Promise<{ readonly charge: Charge } | { readonly waitMs: number }> {
    const { pacer, elapsed } = this.#parts;
    const atMs = elapsed(); // before the call: it is not younger than that
    const answer = await pacer.charge(messageClass, weight);
    if ("waitMs" in answer) return { waitMs: this.#wait(messageClass, answer.waitMs) };
    this.#sawCharge(messageClass, atMs);
    this.#flows[messageClass] = true;
    const past = answer.charged;
    return {
      charge: {
        past,
        valid: () => elapsed() - atMs < CHARGE_VALID_MS,
        settle: () => pacer.settle(past),
        refund: () => pacer.refund(past),
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
    const known = this.knownWaitMs(messageClass);
    if (known > 0) return known;
    if (this.#flows[messageClass] || this.#parts.pacer.unlimited) return 0;
    const waitMs = await this.#parts.pacer.ask(messageClass);
    return waitMs === 0 ? 0 : this.#wait(messageClass, waitMs);
  }

  #wait(messageClass: MessageClass, waitMs: number): number {
    const now = this.#parts.elapsed();
    this.#waitUntilMs[messageClass] = now + waitMs;
    this.#waitedMs = now + waitMs;
    this.#flows[messageClass] = false;
    if (now - this.#toldMs >= TELL_MS) {
      this.#toldMs = now;
      this.#parts.onPaced(waitMs, messageClass);
    }
    return waitMs;
  }
}
