/**
 * Whether the upstream takes mail at all: attempts are made, it answers, and nothing is delivered for a while.
 *
 *     delivered ─▶ flows      deferred ─▶ noted      two messages noted, 15 minutes, none delivered ─▶ stalled
 *
 * Promises: what no breaker sees (every message deferred by the upstream's own word) is named all the same; one message
 * that one recipient's host does not want is no stall; when nothing is tried any more the stall is over.
 */
import type { HeardEvents, Told } from "../observe/events.ts";

/** A reply to the final dot may take ten minutes: nothing less is a while. */
const STALLED_MS = 15 * 60_000;
const MESSAGES = 2;

interface Stall {
  readonly sinceMs: number;
  lastMs: number;
  /** The first `MESSAGES` of them. */
  readonly ids: Set<string>;
  reason: string;
}

export interface FlowParts {
  readonly events: Pick<HeardEvents, "hear">;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
  /** The longest wait between two attempts at a message (config `retry.max`), milliseconds. */
  readonly longestWaitMs: () => number;
}

export class Flow {
  readonly #parts: FlowParts;
  readonly #stalls = new Map<string, Stall>();

  constructor(parts: FlowParts) {
    this.#parts = parts;
    parts.events.hear((told) => this.hear(told));
  }

  hear(told: Told): void {
    if (told.event !== "delivered" && told.event !== "deferred") return;
    const account = told.account ?? "";
    if (told.event === "delivered") return void this.#stalls.delete(account);
    const now = this.#parts.elapsed();
    const known = this.#current(account) ?? { sinceMs: now, lastMs: now, ids: new Set(), reason: "" };
    this.#stalls.set(account, known);
    known.lastMs = now;
    known.reason = told.reason;
    if (known.ids.size < MESSAGES) known.ids.add(told.id);
  }

  /** Accounts whose mail is tried and not taken, with the last answer. */
  stalled(): { readonly account: string; readonly forMs: number; readonly reason: string }[] {
    const now = this.#parts.elapsed();
    return [...this.#stalls.keys()].flatMap((account) => {
      const stall = this.#current(account);
      if (!stall || stall.ids.size < MESSAGES || now - stall.sinceMs < STALLED_MS) return [];
      return [{ account, forMs: now - stall.sinceMs, reason: stall.reason }];
    });
  }

  /** Forgets a stall in which nothing is tried any more: its mail went another way. */
  #current(account: string): Stall | undefined {
    const stall = this.#stalls.get(account);
    const over = stall && this.#parts.elapsed() - stall.lastMs > 2 * this.#parts.longestWaitMs() + STALLED_MS;
    if (over) this.#stalls.delete(account);
    return over ? undefined : stall;
  }
}
