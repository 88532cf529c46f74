/**
 * How many notices may go out, and what is counted for a digest when they may not.
 *
 * Promises: at most `perHour` are granted in any 60 minutes; a failure that is counted is kept on disk before `count`
 * resolves; a digest is due an hour after its first failure, holds the number of all and the first `SAMPLES`.
 */
import type { Address } from "../mail/address.ts";
import { HOUR_MS } from "../schedule/pace.ts";
import type { Kept } from "./kept.ts";

const SAMPLES = 50;
const SECTION = "notices";

interface Sample {
  readonly id: string;
  readonly recipients: readonly Address[];
  readonly reason: string;
  readonly acceptedMs: number;
}

/** Failures of one addressee that had no notice of their own. */
export interface Digest {
  readonly sinceMs: number;
  readonly count: number;
  readonly samples: readonly Sample[];
}

interface Stored {
  readonly grantedMs: readonly number[];
  readonly digests: Readonly<Record<Address, Digest>>;
}

export class NoticeAllowance {
  readonly #kept: Pick<Kept, "section" | "note" | "put">;
  readonly #perHour: () => number;
  readonly #now: () => number;
  #grantedMs: readonly number[];
  readonly #digests: Map<Address, Digest>;

  constructor(kept: Pick<Kept, "section" | "note" | "put">, perHour: () => number, now: () => number) {
    this.#kept = kept;
    this.#perHour = perHour;
    this.#now = now;
    const { grantedMs = [], digests = {} } = (kept.section(SECTION) ?? {}) as Partial<Stored>;
    this.#grantedMs = grantedMs;
    this.#digests = new Map(Object.entries(digests) as [Address, Digest][]);
  }

  /** Grants one notice, if there is one to grant. */
  take(): boolean {
    const now = this.#now();
    // A time that is still to come was noted before the clock was set back: it counts no more.
    this.#grantedMs = this.#grantedMs.filter((ms) => ms <= now && ms > now - HOUR_MS);
    if (this.#grantedMs.length >= this.#perHour()) return false;
    this.#grantedMs = [...this.#grantedMs, now];
    this.#kept.note(SECTION, this.#stored());
    return true;
  }

  /** Counts a failure for the addressee's next digest. Rejects when the disk does not take it: it may count twice then. */
  count(to: Address, failure: Sample): Promise<void> {
    const { sinceMs, count, samples } = this.#digests.get(to) ?? {
      sinceMs: this.#now(),
      count: 0,
      samples: [],
    };
    const more = samples.length < SAMPLES ? [...samples, failure] : samples;
    this.#digests.set(to, { sinceMs, count: count + 1, samples: more });
    return this.#kept.put(SECTION, this.#stored());
  }

  dueDigests(): [Address, Digest][] {
    const now = this.#now();
    return [...this.#digests].filter(([, { sinceMs }]) => now >= sinceMs + HOUR_MS || sinceMs > now);
  }

  /** `sent` is told; what was counted meanwhile begins the next one. */
  digestSent(to: Address, sent: Digest): Promise<void> {
    const now = this.#digests.get(to) ?? sent;
    const count = now.count - sent.count;
    if (count <= 0) this.#digests.delete(to);
    else
      this.#digests.set(to, { sinceMs: this.#now(), count, samples: now.samples.slice(sent.samples.length) });
    return this.#kept.put(SECTION, this.#stored());
  }

  #stored(): Stored {
    return { grantedMs: this.#grantedMs, digests: Object.fromEntries(this.#digests) };
  }
}
