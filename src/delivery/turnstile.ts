/**
 * Keeps recovery and fetching apart: a job that was just fetched is active before anybody can know whose it is.
 *
 * Promises: `pass` runs its work unless the turnstile is closed, then after; `closedWhile` runs its work when
 * nobody is inside, and lets nobody in meanwhile; of several who close it, one works at a time.
 */
export class Turnstile {
  #inside = 0;
  #closed: Promise<void> | undefined;
  #empty: () => void = () => {};

  async pass<T>(work: () => Promise<T>): Promise<T> {
    while (this.#closed) await this.#closed;
    this.#inside++;
    try {
      return await work();
    } finally {
      this.#inside--;
      if (this.#inside === 0) this.#empty();
    }
  }

  async closedWhile<T>(work: () => Promise<T>): Promise<T> {
    while (this.#closed) await this.#closed;
    let open: () => void = () => {};
    this.#closed = new Promise((resolve) => {
      open = resolve;
    });
    try {
      if (this.#inside > 0) {
        await new Promise<void>((resolve) => {
          this.#empty = resolve;
        });
      }
      return await work();
    } finally {
      this.#empty = () => {};
      this.#closed = undefined;
      open();
    }
  }
}
