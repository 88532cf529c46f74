/**
 * One account's charges, as the lanes use them: taken before a message is fetched, given back when it did not go.
 *
 * Promises: a charge is used once; it is given to a lane only while its MAIL can follow within `CHARGE_VALID_MS`;
 * one that nobody used in time is lost, which only makes us slower than allowed. That we wait is told once a minute.
 */
import { CHARGE_VALID_MS, type Pacer } from "../pacing/pacer.ts";

const TELL_MS = 60_000;

export interface BudgetParts {
  readonly pacer: Pick<Pacer, "ask" | "charge" | "distrust">;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
  readonly onPaced: (waitMs: number) => void;
}

/** A charge in hand. `valid` says whether a MAIL may still follow it. */
export interface Charge {
  readonly atMs: number;
  valid(): boolean;
}

export class Budget {
  readonly #parts: BudgetParts;
  #spare: Charge | undefined;
  #waitUntilMs = Number.NEGATIVE_INFINITY;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(parts: BudgetParts) {
    this.#parts = parts;
  }

  /** How long a charge has to be waited for, milliseconds; 0 when there should be one now. */
  async waitMs(): Promise<number> {
    const known = this.#waitUntilMs - this.#parts.elapsed();
    return known > 0 ? known : this.#wait(await this.#parts.pacer.ask());
  }

  /** That the budget is waited for, if so: for people who ask why mail waits. */
  get reason(): string | undefined {
    const waitMs = this.#waitUntilMs - this.#parts.elapsed();
    return waitMs > 0
      ? `the hour's budget is used, the next message goes in ${Math.ceil(waitMs / 1000)} s`
      : undefined;
  }

  /** Takes a charge, or says how long to wait for one. */
  async take(): Promise<{ readonly charge: Charge } | { readonly waitMs: number }> {
    const spare = this.#spare;
    this.#spare = undefined;
    // Half its time is kept for fetching and reading the message.
    if (spare && this.#parts.elapsed() - spare.atMs < CHARGE_VALID_MS / 2) return { charge: spare };
    const atMs = this.#parts.elapsed(); // before the call: it is not younger than that
    const waitMs = this.#wait(await this.#parts.pacer.charge());
    const valid = () => this.#parts.elapsed() - atMs < CHARGE_VALID_MS;
    return waitMs > 0 ? { waitMs } : { charge: { atMs, valid } };
  }

  /** Redis may have come back with an older bucket: the journal is asked before the next charge. */
  distrust(): void {
    this.#parts.pacer.distrust();
  }

  /** No MAIL followed this charge: the next message may have it. */
  giveBack(charge: Charge): void {
    this.#spare = charge;
  }

  #wait(waitMs: number): number {
    if (waitMs === 0) return 0;
    const now = this.#parts.elapsed();
    this.#waitUntilMs = now + waitMs;
    if (now - this.#toldMs >= TELL_MS) {
      this.#toldMs = now;
      this.#parts.onPaced(waitMs);
    }
    return waitMs;
  }
}
