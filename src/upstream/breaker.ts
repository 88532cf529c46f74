/**
 * Stops an account, an upstream or a pair while it cannot work, and finds out when it can again.
 *
 *   closed  ──trip──────▶ open      the first failure; waits `firstMs`
 *   open    ──admit─────▶ probing   its time has come, one is let through
 *   probing ──trip──────▶ open      waits twice as long
 *   probing ──release───▶ open      the probe told nothing: the next may start at once
 *   any     ──close─────▶ closed    it works, or its config changed
 *
 * Promises: one probe at a time; waits double from `firstMs` to `maxMs`; failures of sessions that were
 * under way when it opened change nothing; the listener hears of each opening and closing, once.
 * The clock is monotonic (`performance.now`), so that a jump of the wall clock delays no probe.
 */

export interface BreakerWaits {
  readonly firstMs: number;
  readonly maxMs: number;
}

export const ACCOUNT_WAITS: BreakerWaits = { firstMs: 60_000, maxMs: 3_600_000 };
export const UPSTREAM_WAITS: BreakerWaits = { firstMs: 5_000, maxMs: 300_000 };
export const PAIR_WAITS: BreakerWaits = ACCOUNT_WAITS;

/** Between a failure and the probe that an operator asks for: a credential can be locked by too many. */
const ASKED_PROBE_MS = 10_000;

const IDLE_MS = 60_000;

/** Times are the injected clock's. */
export type BreakerState =
  | { readonly name: "closed" }
  | { readonly name: "open"; readonly reason: string; readonly sinceMs: number; readonly nextProbeMs: number }
  | { readonly name: "probing"; readonly reason: string; readonly sinceMs: number };

/** What outlives a restart: no time of a clock that begins anew. */
export interface KeptBreaker {
  readonly reason: string;
  readonly openForMs: number;
  /** Since it was tripped last. */
  readonly quietForMs: number;
  readonly waitMs: number;
}

export interface BreakerListener {
  opened(reason: string, nextProbeMs: number): void;
  /** A probe failed too. */
  stayed(): void;
  closed(stoppedMs: number): void;
}

export class Breaker {
  readonly #waits: BreakerWaits;
  readonly #now: () => number;
  readonly #listener: BreakerListener | undefined;
  #state: BreakerState = { name: "closed" };
  #waitMs: number;
  #trippedMs = 0;
  #askedMs = 0;

  constructor(waits: BreakerWaits, now: () => number, listener?: BreakerListener) {
    this.#waits = waits;
    this.#now = now;
    this.#waitMs = waits.firstMs;
    this.#listener = listener;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /**
   * Asks to go to work. `probe`: yes, as the only one, and `close`, `trip` or `release` must follow.
   * `wait`: not now; `waitMs` says how long.
   */
  admit(): "go" | "probe" | "wait" {
    this.#askedMs = this.#now();
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

  /** It cannot work. */
  trip(reason: string): void {
    const now = this.#now();
    switch (this.#state.name) {
      case "closed":
        this.#waitMs = this.#waits.firstMs;
        this.#open(reason, now);
        this.#listener?.opened(reason, this.#waitMs);
        break;
      case "probing":
        this.#waitMs = Math.min(this.#waitMs * 2, this.#waits.maxMs);
        this.#open(reason, this.#state.sinceMs);
        this.#listener?.stayed();
        break;
      case "open":
        break;
    }
  }

  /** It works, or its config changed. */
  close(): void {
    if (this.#state.name === "closed") return;
    const { sinceMs } = this.#state;
    this.#state = { name: "closed" };
    this.#listener?.closed(this.#now() - sinceMs);
  }

  /** A probe ended without telling anything (stopped by us): another may start at once. */
  release(): void {
    if (this.#state.name !== "probing") return;
    const { reason, sinceMs } = this.#state;
    this.#state = { name: "open", reason, sinceMs, nextProbeMs: this.#now() };
  }

  /** An operator asks: the next probe may start at once, but however often it is asked no sooner than in ten seconds. */
  probeNow(): void {
    if (this.#state.name !== "open") return;
    const soonestMs = Math.max(this.#now(), this.#trippedMs + ASKED_PROBE_MS);
    this.#state = { ...this.#state, nextProbeMs: Math.min(this.#state.nextProbeMs, soonestMs) };
  }

  /** Whether nobody asked for much longer than its wait: there is nothing that it stops. */
  get idle(): boolean {
    const lastMs = Math.max(this.#askedMs, this.#trippedMs);
    return this.#now() - lastMs > 2 * this.#waitMs + IDLE_MS;
  }

  /** What to keep; undefined while it is closed. */
  kept(): KeptBreaker | undefined {
    if (this.#state.name === "closed") return undefined;
    const now = this.#now();
    const { reason, sinceMs } = this.#state;
    return { reason, openForMs: now - sinceMs, quietForMs: now - this.#trippedMs, waitMs: this.#waitMs };
  }

  /**
   * Opens it as it was before a restart. A restart probes at once (somebody may have mended what it waits for), but
   * never sooner than `firstMs` after the last failure: a program that dies and starts in a loop hammers nobody.
   */
  restore({ reason, openForMs, quietForMs, waitMs }: KeptBreaker): void {
    const now = this.#now();
    const { firstMs, maxMs } = this.#waits;
    this.#waitMs = Math.min(Math.max(waitMs, firstMs), maxMs);
    this.#trippedMs = now - quietForMs;
    const nextProbeMs = now + Math.min(firstMs, Math.max(0, firstMs - quietForMs));
    this.#state = { name: "open", reason, sinceMs: now - openForMs, nextProbeMs };
  }

  #open(reason: string, sinceMs: number): void {
    this.#trippedMs = this.#now();
    this.#state = { name: "open", reason, sinceMs, nextProbeMs: this.#trippedMs + this.#waitMs };
  }
}
