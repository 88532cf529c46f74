/**
 * Trouble of the delivering half as a whole, told once in a while: a Redis that is away is noticed by everybody, all
 * the time.
 *
 * Promises: the same reason is told at most once in ten seconds, another one at once; nothing after `end`.
 */
import type { Events } from "../observe/events.ts";

const EVENT_MS = 10_000;

export class Trouble {
  readonly #events: Pick<Events, "report">;
  /** Monotonic milliseconds. */
  readonly #elapsed: () => number;
  /** What was told last, and when. */
  #told = { reason: "", atMs: Number.NEGATIVE_INFINITY };
  #ended = false;

  constructor(events: Pick<Events, "report">, elapsed: () => number) {
    this.#events = events;
    this.#elapsed = elapsed;
  }

  tell(reason: string): void {
    const again = reason === this.#told.reason && this.#elapsed() - this.#told.atMs < EVENT_MS;
    if (this.#ended || again) return;
    this.#told = { reason, atMs: this.#elapsed() };
    this.#events.report("trouble", { part: "delivery", reason }, "warn");
  }

  /** We are about to go: what fails from here on fails because of that. */
  end(): void {
    this.#ended = true;
  }
}
