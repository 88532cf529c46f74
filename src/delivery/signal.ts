/**
 * "Something may have changed": a wake-up call that is never lost.
 *
 * Promises: `wait` returns at once when `wake` was called since the last `wait` returned; otherwise at the
 * next `wake`, or after `timeoutMs`. Meant for one waiter.
 */
export class Signal {
  #woken = false;
  #resolve: (() => void) | undefined;

  wake(): void {
    this.#woken = true;
    this.#resolve?.();
  }

  /** True when woken, false when the time ran out. */
  async wait(timeoutMs: number): Promise<boolean> {
    if (!this.#woken) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
        timer = setTimeout(resolve, timeoutMs);
      });
      clearTimeout(timer);
      this.#resolve = undefined;
    }
    const woken = this.#woken;
    this.#woken = false;
    return woken;
  }
}

/** Many waiters, woken together. */
export class WaitingRoom {
  readonly #waiting = new Set<Signal>();

  wakeAll(): void {
    for (const signal of this.#waiting) signal.wake();
  }

  /** True when woken, false when the time ran out. */
  async wait(timeoutMs: number): Promise<boolean> {
    const signal = new Signal();
    this.#waiting.add(signal);
    const woken = await signal.wait(timeoutMs);
    this.#waiting.delete(signal);
    return woken;
  }
}
