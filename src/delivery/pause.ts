/**
 * A pause after trouble, ever longer while trouble follows trouble: nothing of ours is tried at full speed.
 */
const FIRST_MS = 1000;
const LONGEST_MS = 60_000;

export class Pause {
  /** Monotonic milliseconds. */
  readonly #elapsed: () => number;
  #untilMs = Number.NEGATIVE_INFINITY;
  #troubles = 0;

  constructor(elapsed: () => number) {
    this.#elapsed = elapsed;
  }

  /** What is left of it, milliseconds; 0 when there is none. */
  get leftMs(): number {
    return Math.max(0, this.#untilMs - this.#elapsed());
  }

  /** Something failed that should not. */
  trouble(): void {
    this.#begin(Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#troubles++));
  }

  /** Nothing failed, and nothing came of it either. */
  breath(): void {
    this.#begin(FIRST_MS);
  }

  /** Something worked: the next trouble begins with a short pause again. */
  worked(): void {
    this.#troubles = 0;
  }

  /** What failed is mended: on at once. */
  over(): void {
    this.#troubles = 0;
    this.#untilMs = Number.NEGATIVE_INFINITY;
  }

  #begin(ms: number): void {
    this.#untilMs = this.#elapsed() + ms;
  }
}
