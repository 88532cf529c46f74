/**
 * Whether an account may open a session now: its own breaker, and the upstream's which all accounts share.
 *
 * Promises: after a failure that blames the account or the upstream, one probe at a time at growing intervals,
 * so that a wrong password or a dead host costs a handful of connections a minute; the upstream counts as healed
 * when it took an attempt, the account when a message was delivered: what a message was refused for, only one heals.
 */
import { wordsOf } from "../schedule/ledger.ts";
import type { Failure, Verdict } from "../schedule/outcome.ts";
import type { Judge } from "../schedule/verdict.ts";
import type { Breaker } from "../upstream/breaker.ts";

export interface GateParts {
  readonly account: Breaker;
  readonly upstream: Breaker;
  /** Says what a failure to open a session means. */
  readonly judge: Judge;
}

export class Gate {
  readonly #parts: GateParts;
  /** The breakers that wait for the outcome of a probe of ours. */
  readonly #probes = new Set<"account" | "upstream">();

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  /** 0: open a session, then call one of the others. Else how long to wait, milliseconds. */
  admit(): number {
    const { account, upstream } = this.#parts;
    const own = account.admit();
    if (own === "wait") return account.waitMs();
    if (own === "probe") this.#probes.add("account");
    const shared = upstream.admit();
    if (shared === "probe") this.#probes.add("upstream");
    if (shared !== "wait") return 0;
    this.#release("account");
    return upstream.waitMs();
  }

  /** How long nothing may be opened, milliseconds; 0 when a session, or a probe, may be. Changes nothing. */
  get waitMs(): number {
    return Math.max(this.#parts.account.waitMs(), this.#parts.upstream.waitMs());
  }

  /** Is the session that was just opened a probe? Then `unused` must follow when it is over. */
  get probing(): boolean {
    return this.#probes.size > 0;
  }

  #release(which: "account" | "upstream"): void {
    if (this.#probes.delete(which)) this.#parts[which].release();
  }

  /** Why no session may be opened, if so: for people who ask why mail waits. */
  get reason(): string | undefined {
    for (const which of ["account", "upstream"] as const) {
      const { state } = this.#parts[which];
      if (state.name !== "closed") return `the ${which} is stopped: ${state.reason}`;
    }
    return undefined;
  }

  /** It could not be opened. */
  refused(failure: Failure): void {
    const { scope, why } = this.#parts.judge(failure);
    const blamed = scope === "account" ? "account" : "upstream";
    this.#trip(blamed, `${wordsOf(failure)} (${why})`);
    if (blamed === "account") this.#close("upstream");
    else this.#release("account");
  }

  /** A message was tried on a session; `first`: it was the first one there. */
  attempted(result: {
    blamed: Verdict["scope"] | undefined;
    delivered: boolean;
    why: string;
    first: boolean;
  }): void {
    if (result.blamed === "account") {
      this.#trip("account", result.why);
      this.#close("upstream"); // it answered
      return;
    }
    if (result.blamed === undefined) {
      if (result.delivered) this.#close("account"); // a limit is often told at the dot only
      this.#close("upstream");
    } else if (result.first) this.#trip("upstream", result.why);
  }

  /** The session ended, or was never opened, without an attempt. */
  unused(): void {
    this.#release("account");
    this.#release("upstream");
  }

  #trip(which: "account" | "upstream", reason: string): void {
    this.#probes.delete(which);
    this.#parts[which].trip(reason);
  }

  #close(which: "account" | "upstream"): void {
    this.#probes.delete(which);
    this.#parts[which].close();
  }
}
