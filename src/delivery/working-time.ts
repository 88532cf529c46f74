/**
 * How long each pair could be worked for: the clock that ages mail towards its expiry.
 *
 * It runs while sluice runs and no breaker stops the pair, its account or the upstream. It is monotonic: a jump of the
 * wall clock ages nothing, a machine that was switched off for a week bounces nothing.
 * Promises: what it says never goes back, over restarts too (but for what a crash cuts off: at most ten seconds).
 */
import type { Kept } from "./kept.ts";

const TICK_MS = 1000;
const KEEP_MS = 10_000;
/** A process that was stopped longer than this did not work meanwhile. */
const LONGEST_TICK_MS = 60_000;
const SECTION = "workedMs";

export interface WorkingTimeParts {
  readonly kept: Pick<Kept, "section" | "note" | "put">;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
  readonly stopped: (key: string) => boolean;
}

export class WorkingTime {
  readonly #parts: WorkingTimeParts;
  readonly #workedMs = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #tickedMs: number;
  #keptMs: number;

  constructor(parts: WorkingTimeParts) {
    this.#parts = parts;
    this.#tickedMs = this.#keptMs = parts.elapsed();
    for (const [key, ms] of Object.entries(parts.kept.section(SECTION) ?? {}))
      if (typeof ms === "number" && ms >= 0) this.#workedMs.set(key, ms);
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  /**
   * Milliseconds so far, to the second; begins with 0 for a key that is new. `atLeast`: what a message noted, which a
   * clock that a crash cut short catches up with.
   */
  of(key: string, atLeast = 0): number {
    const known = this.#workedMs.get(key);
    if (known !== undefined && known >= atLeast) return known;
    this.#workedMs.set(key, atLeast);
    return atLeast;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#tick();
    await this.#parts.kept.put(SECTION, this.#whole()).catch(() => {}); // told there
  }

  #tick(): void {
    const now = this.#parts.elapsed();
    const passedMs = Math.min(now - this.#tickedMs, LONGEST_TICK_MS);
    this.#tickedMs = now;
    for (const [key, ms] of this.#workedMs)
      if (!this.#parts.stopped(key)) this.#workedMs.set(key, ms + passedMs);
    if (now - this.#keptMs < KEEP_MS) return;
    this.#keptMs = now;
    this.#parts.kept.note(SECTION, this.#whole());
  }

  #whole(): Record<string, number> {
    return Object.fromEntries([...this.#workedMs].map(([key, ms]) => [key, Math.round(ms)]));
  }
}
