/**
 * Whether the upstream takes mail at all: attempts are made, it answers, and nothing is delivered for a while.
 *
 *     delivered ─▶ flows      deferred ─▶ noted      two messages noted, 15 minutes, none delivered ─▶ stalled
 *
 * Promises: what no breaker sees (every message deferred by the upstream's own word) is named all the same; one message
 * that one recipient's host does not want is no stall; when nothing is tried any more, or what was not taken waits no
 * more (given up, deleted, parked, on another way), the stall is over. Bounded.
 */
import type { HeardEvents, Told } from "../observe/events.ts";

/** A reply to the final dot may take ten minutes: nothing less is a while. */
const STALLED_MS = 15 * 60_000;
const MESSAGES = 2;
/** So many of them are known by their ids. */
const MOST_IDS = 1000;

/** A message waits no more, or not there. */
const GONE: ReadonlySet<Told["event"]> = new Set(["bounced", "expired", "deleted", "held", "repolicied"]);

interface Stall {
  readonly sinceMs: number;
  lastMs: number;
  /** Those that wait, the first `MOST_IDS`. */
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
    if (GONE.has(told.event)) this.#forget(String(told.id));
    if (told.event !== "delivered" && told.event !== "deferred") return;
    const account = told.account ?? "";
    if (told.event === "delivered") return void this.#stalls.delete(account);
    const now = this.#parts.elapsed();
    const known = this.#current(account) ?? { sinceMs: now, lastMs: now, ids: new Set(), reason: "" };
    this.#stalls.set(account, known);
    known.lastMs = now;
    known.reason = told.reason;
    if (known.ids.size < MOST_IDS) known.ids.add(told.id);
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

  /** A stall that is about nothing any more is over. */
  #forget(id: string): void {
    for (const [account, { ids }] of this.#stalls)
      if (ids.delete(id) && ids.size === 0) this.#stalls.delete(account);
  }

  /** Forgets a stall in which nothing is tried any more: its mail went another way. */
  #current(account: string): Stall | undefined {
    const stall = this.#stalls.get(account);
    const over = stall && this.#parts.elapsed() - stall.lastMs > 2 * this.#parts.longestWaitMs() + STALLED_MS;
    if (over) this.#stalls.delete(account);
    return over ? undefined : stall;
  }
}
