/**
 * Every breaker of the delivering half: one for the upstream, one for each account, one for each pair.
 *
 * Promises: each opening and closing is one event (the opening an error: somebody has to look); they outlive a
 * restart, except where the config or the password file changed since the last failure: then they begin closed.
 * Bounded: pairs are few by the config's own rule; beyond `MAX_PAIRS` (old ones in the spool) a pair has no breaker.
 */
import type { Events } from "../observe/events.ts";
import {
  ACCOUNT_WAITS,
  Breaker,
  type BreakerWaits,
  type KeptBreaker,
  PAIR_WAITS,
  UPSTREAM_WAITS,
} from "../upstream/breaker.ts";
import type { Kept } from "./kept.ts";

const MAX_PAIRS = 1000;
const SECTION = "breakers";

/** A breaker as it stands in the file; wall clock, milliseconds since 1970. */
interface StoredBreaker {
  readonly name: string;
  readonly reason: string;
  readonly sinceMs: number;
  readonly trippedMs: number;
  readonly waitMs: number;
}

/** One that is not closed, for people who ask. */
export interface OpenBreaker {
  readonly breaker: "upstream" | "account" | "pair";
  readonly account?: string;
  readonly pair?: string;
  readonly reason: string;
  /** When it is tried again, milliseconds since 1970; missing while it is being tried. */
  readonly nextProbeMs?: number;
}

export interface BreakersParts {
  readonly accounts: readonly string[];
  readonly events: Pick<Events, "report">;
  readonly kept: Pick<Kept, "section" | "note">;
  /** Monotonic milliseconds, and the wall clock. */
  readonly elapsed: () => number;
  readonly now: () => number;
  /** When the config or a password file was written last, milliseconds since 1970. */
  readonly changedMs: (account: string | undefined) => number;
  /** Whoever waits may go on. */
  readonly onClosed: (which: OpenBreaker["breaker"]) => void;
}

export class Breakers {
  readonly #parts: BreakersParts;
  readonly #all = new Map<string, { breaker: Breaker; label: Omit<OpenBreaker, "reason" | "nextProbeMs"> }>();
  readonly upstream: Breaker;

  constructor(parts: BreakersParts) {
    this.#parts = parts;
    this.upstream = this.#add("upstream", UPSTREAM_WAITS, { breaker: "upstream" });
    for (const account of parts.accounts) this.account(account);
    this.#restore();
  }

  account(account: string): Breaker {
    return this.#add(`account ${account}`, ACCOUNT_WAITS, { breaker: "account", account });
  }

  /** Undefined where there is none. */
  pair(entry: PairOf): Breaker | undefined {
    const key = pairKey(entry);
    const name = `pair ${key}`;
    if (!this.#all.has(name) && this.#all.size >= MAX_PAIRS) return undefined;
    return this.#add(name, PAIR_WAITS, {
      breaker: "pair",
      ...(entry.account === null ? {} : { account: entry.account }),
      pair: `${entry.envelope.sender} ${entry.from}`,
    });
  }

  /** Whether mail of the pair with this key (`pairKey`) cannot be worked on now. */
  stopped(key: string): boolean {
    const names = ["upstream", `account ${pairOf(key)?.account}`, `pair ${key}`];
    return names.some((name) => (this.#all.get(name)?.breaker.state.name ?? "closed") !== "closed");
  }

  /** Why mail of its pair is held back, if it is. */
  pairStopped(entry: PairOf): Pick<OpenBreaker, "reason" | "nextProbeMs"> | undefined {
    const breaker = this.#all.get(`pair ${pairKey(entry)}`)?.breaker;
    return breaker && this.#stop(breaker);
  }

  /** Those that are not closed, and have mail to stop. */
  open(): OpenBreaker[] {
    return [...this.#all.values()].flatMap(({ breaker, label }) => {
      const stop = breaker.idle ? undefined : this.#stop(breaker);
      return stop ? [{ ...label, ...stop }] : [];
    });
  }

  /** What they waited for may have been mended (a new password, an operator says so). */
  closeFor(account: string): void {
    for (const { breaker, label } of this.#all.values()) if (label.account === account) breaker.close();
  }

  /**
   * The config is another: breakers of accounts that are gone go with them; those of what was written since their last
   * failure close, the others may probe at once.
   */
  use(accounts: readonly string[]): void {
    for (const [name, { label }] of this.#all)
      if (label.account !== undefined && !accounts.includes(label.account)) this.#all.delete(name);
    for (const { breaker, label } of this.#all.values()) {
      const quietMs = breaker.kept()?.quietForMs;
      if (quietMs !== undefined && this.#parts.changedMs(label.account) > this.#parts.now() - quietMs)
        breaker.close();
      else breaker.probeNow();
    }
  }

  /** An operator asks: whatever is open may probe at once. */
  probeNow(): void {
    for (const { breaker } of this.#all.values()) breaker.probeNow();
  }

  #add(name: string, waits: BreakerWaits, label: Omit<OpenBreaker, "reason" | "nextProbeMs">): Breaker {
    const known = this.#all.get(name);
    if (known) return known.breaker;
    const { elapsed, events, onClosed } = this.#parts;
    const breaker = new Breaker(waits, elapsed, {
      opened: (reason, nextProbeMs) => {
        events.report("breaker-opened", { ...label, reason, nextProbeMs }, "error");
        this.#keep();
      },
      stayed: () => this.#keep(),
      closed: (stoppedMs) => {
        events.report("breaker-closed", { ...label, stoppedMs: Math.round(stoppedMs) });
        this.#keep();
        onClosed(label.breaker);
      },
    });
    this.#all.set(name, { breaker, label });
    return breaker;
  }

  #stop(breaker: Breaker): Pick<OpenBreaker, "reason" | "nextProbeMs"> | undefined {
    const { state } = breaker;
    if (state.name === "closed") return undefined;
    const nextProbeMs = state.name === "open" ? this.#parts.now() + breaker.waitMs() : undefined;
    return { reason: state.reason, ...(nextProbeMs === undefined ? {} : { nextProbeMs }) };
  }

  #keep(): void {
    const now = this.#parts.now();
    const stored = [...this.#all].flatMap(([name, { breaker }]): StoredBreaker[] => {
      const kept = breaker.kept();
      if (!kept) return [];
      const { reason, openForMs, quietForMs, waitMs } = kept;
      return [{ name, reason, sinceMs: now - openForMs, trippedMs: now - quietForMs, waitMs }];
    });
    this.#parts.kept.note(SECTION, stored);
  }

  #restore(): void {
    const found = this.#parts.kept.section(SECTION);
    for (const stored of Array.isArray(found) ? found.filter(isStored) : []) {
      const pair = stored.name.startsWith("pair ") ? pairOf(stored.name.slice(5)) : undefined;
      if (pair) this.pair(pair);
      const known = this.#all.get(stored.name);
      if (!known || this.#parts.changedMs(known.label.account) > stored.trippedMs) continue;
      known.breaker.restore(this.#unstored(stored));
    }
  }

  #unstored({ reason, sinceMs, trippedMs, waitMs }: StoredBreaker): KeptBreaker {
    const now = this.#parts.now();
    return { reason, openForMs: Math.max(0, now - sinceMs), quietForMs: now - trippedMs, waitMs };
  }
}

/** What names a pair: the account, the envelope sender, the header From. */
export interface PairOf {
  readonly account: string | null;
  readonly envelope: { readonly sender: string };
  readonly from: string;
}

export function pairKey({ account, envelope, from }: PairOf): string {
  return JSON.stringify([account, envelope.sender, from]);
}

/** The other way; undefined for what `pairKey` did not make. */
function pairOf(key: string): PairOf | undefined {
  try {
    const [account, sender, from] = JSON.parse(key);
    return { account, envelope: { sender }, from };
  } catch {
    return undefined;
  }
}

function isStored(value: unknown): value is StoredBreaker {
  const { name, reason, ...times } = (value ?? {}) as Record<string, unknown>;
  const numbers = [times.sinceMs, times.trippedMs, times.waitMs];
  return typeof name === "string" && typeof reason === "string" && numbers.every(Number.isFinite);
}
