/**
 * A sliding hour: at most `perHour` messages in any 60 minutes.
 *
 * Promises: memory for at most `perHour` times; forgets across restarts.
 */

const HOUR_MS = 3600_000;

export class HourlyLimit {
  readonly #perHour: number;
  #times: number[] = []; // rising, in ms

  constructor(perHour: number) {
    this.#perHour = perHour;
  }

  /** Whether no message may go at `nowMs`. */
  isFull(nowMs: number): boolean {
    this.#times = this.#times.filter((time) => time > nowMs - HOUR_MS);
    return this.#times.length >= this.#perHour;
  }

  /** Counts a message, when there is room for it. */
  take(nowMs: number): "taken" | "full" {
    if (this.isFull(nowMs)) return "full";
    this.#times.push(nowMs);
    return "taken";
  }
}
