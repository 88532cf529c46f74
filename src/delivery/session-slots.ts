/**
 * How many upstream sessions may be open at once, over all accounts (config `upstream.sessions`).
 *
 * Promises: never more than `max` slots are out; waiters are served first come, first served.
 * `contended` tells the owner of an idle session that somebody waits for its slot.
 */
export class SessionSlots {
  readonly #max: number;
  readonly #waiters: (() => void)[] = [];
  #out = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get contended(): boolean {
    return this.#waiters.length > 0;
  }

  /** Resolves with the function that gives the slot back (once). */
  async acquire(): Promise<() => void> {
    if (this.#out >= this.#max) await new Promise<void>((resolve) => this.#waiters.push(resolve));
    else this.#out++;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const next = this.#waiters.shift();
      if (next) next();
      else this.#out--;
    };
  }
}
