/**
 * Whether an account may open a session now: its own breaker, and the upstream's which all accounts share.
 *
 * Promises: after a failure that blames the account or the upstream, one probe at a time at growing intervals,
 * so that a wrong password or a dead host costs a handful of connections a minute; an upstream counts as healed
 * when it took an attempt, not when it greeted. Each opening and closing is one event.
 */
import type { Events } from "../observe/events.ts";
import type { Failure, Verdict } from "../schedule/outcome.ts";
import { judge } from "../schedule/verdict.ts";
import type { Breaker } from "../upstream/breaker.ts";

export interface GateParts {
  readonly accountName: string;
  readonly account: Breaker;
  readonly upstream: Breaker;
  readonly events: Events;
  /** A breaker closed: whoever waits may go on. */
  readonly onClosed: () => void;
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

  /** The session is open and authenticated. */
  connected(): void {
    this.#close("account");
  }

  /** It could not be opened. */
  refused(failure: Failure): void {
    const blamed = judge(failure).scope === "account" ? "account" : "upstream";
    this.#trip(blamed, failure.reply?.text ?? failure.text);
    if (blamed === "account") this.#close("upstream");
    else this.#release("account");
  }

  /** A message was tried on a session; `first`: it was the first one there. */
  attempted(result: { blamed: Verdict["scope"] | undefined; why: string; first: boolean }): void {
    if (result.blamed === "account") {
      this.#trip("account", result.why);
      this.#close("upstream"); // it answered
    } else if (result.blamed === undefined) this.#close("upstream");
    else if (result.first) this.#trip("upstream", result.why);
  }

  /** The session ended, or was never opened, without an attempt. */
  unused(): void {
    this.#release("account");
    this.#release("upstream");
  }

  #trip(which: "account" | "upstream", reason: string): void {
    const breaker = this.#parts[which];
    this.#probes.delete(which);
    if (!breaker.trip(reason)) return;
    const fields = {
      breaker: which,
      account: this.#parts.accountName,
      reason,
      nextProbeMs: breaker.waitMs(),
    };
    this.#parts.events.report("breaker-opened", fields, "error");
  }

  #close(which: "account" | "upstream"): void {
    this.#probes.delete(which);
    const stoppedMs = this.#parts[which].stoppedMs();
    if (!this.#parts[which].close()) return;
    this.#parts.events.report("breaker-closed", {
      breaker: which,
      account: this.#parts.accountName,
      stoppedMs,
    });
    this.#parts.onClosed();
  }
}
