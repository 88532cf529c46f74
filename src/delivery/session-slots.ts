/**
 * How many upstream sessions may be open at once, over all accounts (config `upstream.sessions`).
 *
 * Promises: never more than `max` slots are given out; waiters are served first come, first served. What is out when
 * `max` becomes smaller stays out until it comes back.
 * `contended` tells the owner of an idle session that somebody waits for its slot.
 */
export class SessionSlots {
  #max: number;
  #waiters: (() => void)[] = [];
  #out = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get contended(): boolean {
    return this.#waiters.length > 0;
  }

  resize(max: number): void {
    this.#max = max;
    while (this.#out < this.#max && this.#waiters.length > 0) {
      this.#out++;
      this.#waiters.shift()?.();
    }
  }

  /** Resolves with the function that gives the slot back (once); with undefined when `signal` fires before. */
  async acquire(signal: AbortSignal): Promise<(() => void) | undefined> {
    if (signal.aborted) return undefined;
    if (this.#out < this.#max) this.#out++;
    else if (!(await this.#turn(signal))) return undefined;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const next = this.#out <= this.#max ? this.#waiters.shift() : undefined;
      if (next) next();
      else this.#out--;
    };
  }

  /** Waits for its turn; false when `signal` fires before. */
  #turn(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (mine: boolean) => {
        signal.removeEventListener("abort", abort);
        resolve(mine);
      };
      const mine = () => settle(true);
      const abort = () => {
        this.#waiters = this.#waiters.filter((waiter) => waiter !== mine);
        settle(false);
      };
      this.#waiters.push(mine);
      signal.addEventListener("abort", abort, { once: true });
    });
  }
}
