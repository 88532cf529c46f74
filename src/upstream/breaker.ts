/**
 * Stops an account or an upstream while it cannot work, and finds out when it can again.
 *
 *   closed  ──trip──────▶ open      the first failure; waits `firstMs`
 *   open    ──admit─────▶ probing   its time has come, one is let through
 *   probing ──trip──────▶ open      waits twice as long
 *   probing ──release───▶ open      the probe told nothing: the next may start at once
 *   any     ──close─────▶ closed    it works, or its config changed
 *
 * Promises: one probe at a time; waits double from `firstMs` to `maxMs`; failures of sessions that were
 * under way when it opened change nothing. In memory: a restart probes at once.
 * The clock is monotonic (`performance.now`), so that a jump of the wall clock delays no probe.
 */

export interface BreakerWaits {
  readonly firstMs: number;
  readonly maxMs: number;
}

export const ACCOUNT_WAITS: BreakerWaits = { firstMs: 60_000, maxMs: 3_600_000 };
export const UPSTREAM_WAITS: BreakerWaits = { firstMs: 5_000, maxMs: 300_000 };

/** Times are the injected clock's. */
export type BreakerState =
  | { readonly name: "closed" }
  | { readonly name: "open"; readonly reason: string; readonly sinceMs: number; readonly nextProbeMs: number }
  | { readonly name: "probing"; readonly reason: string; readonly sinceMs: number };

export class Breaker {
  readonly #waits: BreakerWaits;
  readonly #now: () => number;
  #state: BreakerState = { name: "closed" };
  #waitMs: number;

  constructor(waits: BreakerWaits, now: () => number) {
    this.#waits = waits;
    this.#now = now;
    this.#waitMs = waits.firstMs;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /**
   * Asks to go to work. `probe`: yes, as the only one, and `close`, `trip` or `release` must follow.
   * `wait`: not now; `waitMs` says how long.
   */
  admit(): "go" | "probe" | "wait" {
    if (this.#state.name === "closed") return "go";
    if (this.#state.name === "probing" || this.waitMs() > 0) return "wait";
    const { reason, sinceMs } = this.#state;
    this.#state = { name: "probing", reason, sinceMs };
    return "probe";
  }

  /** Milliseconds until the next probe may start; 0 when closed; the whole wait while one is under way. */
  waitMs(): number {
    if (this.#state.name === "closed") return 0;
    if (this.#state.name === "probing") return this.#waitMs;
    return Math.max(0, this.#state.nextProbeMs - this.#now());
  }

  /** Milliseconds since it opened; 0 when closed. */
  stoppedMs(): number {
    return this.#state.name === "closed" ? 0 : this.#now() - this.#state.sinceMs;
  }

  /** It cannot work. True when this is what opened it. */
  trip(reason: string): boolean {
    const now = this.#now();
    switch (this.#state.name) {
      case "closed":
        this.#waitMs = this.#waits.firstMs;
        this.#state = { name: "open", reason, sinceMs: now, nextProbeMs: now + this.#waitMs };
        return true;
      case "probing":
        this.#waitMs = Math.min(this.#waitMs * 2, this.#waits.maxMs);
        this.#state = { name: "open", reason, sinceMs: this.#state.sinceMs, nextProbeMs: now + this.#waitMs };
        return false;
      case "open":
        return false;
    }
  }

  /** It works, or its config changed. True when it was not closed. */
  close(): boolean {
    const was = this.#state.name;
    this.#state = { name: "closed" };
    return was !== "closed";
  }

  /** A probe ended without telling anything (stopped by us): another may start at once. */
  release(): void {
    if (this.#state.name !== "probing") return;
    const { reason, sinceMs } = this.#state;
    this.#state = { name: "open", reason, sinceMs, nextProbeMs: this.#now() };
  }
}
