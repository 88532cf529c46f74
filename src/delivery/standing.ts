/**
 * How the accounts stand with the upstream: what is stopped, how long mail could be worked on, which password is in use,
 * how much of the contract's year is used.
 *
 * Promises: it outlives a restart (`<stateDir>/delivery.json`); a password that was replaced in its file is in use within
 * seconds, and whatever its account was stopped for is tried again at once.
 */
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type { Config } from "../config/config.ts";
import type { Events } from "../observe/events.ts";
import { Breakers, type BreakersParts, type PairOf, pairKey } from "./breakers.ts";
import { Credentials } from "./credentials.ts";
import { Kept } from "./kept.ts";
import { WorkingTime } from "./working-time.ts";
import { type YearLedger, YearLimits } from "./year-limits.ts";

/** Monotonic milliseconds. */
export const elapsed = () => performance.now();

export interface StandingParts extends Pick<BreakersParts, "changedMs" | "onClosed"> {
  /** The one to begin with. */
  readonly config: Config;
  readonly events: Pick<Events, "report">;
  readonly ledger: YearLedger;
}

export class Standing {
  readonly kept: Kept;
  readonly breakers: Breakers;
  readonly credentials: Credentials;
  readonly years: YearLimits;
  readonly #workingTime: WorkingTime;

  constructor({ config, events, ledger, changedMs, onClosed }: StandingParts) {
    const trouble = (reason: string) => events.report("trouble", { part: "delivery", reason }, "error");
    this.kept = new Kept(join(config.stateDir, "delivery.json"), trouble);
    this.breakers = new Breakers({
      accounts: config.accounts.map(({ name }) => name),
      events,
      kept: this.kept,
      elapsed,
      now: Date.now,
      changedMs,
      onClosed,
    });
    const stopped = (key: string) => this.breakers.stopped(key);
    this.#workingTime = new WorkingTime({ kept: this.kept, elapsed, stopped });
    this.years = new YearLimits({
      ledger,
      kept: this.kept,
      events,
      shared: config.redis.kind === "external",
      now: Date.now,
      onReleased: () => onClosed("account"),
    });
    this.years.use(config.accounts, config.limits.messageSizeBytes);
    this.credentials = new Credentials({
      accounts: config.accounts,
      onChanged: (account) => {
        events.report("reloaded", { what: "password", account });
        this.breakers.closeFor(account);
      },
      onTrouble: (account, reason) =>
        events.report("trouble", { part: "credentials", account, reason }, "error"),
    });
  }

  /**
   * How long mail of this pair could be worked on so far, milliseconds: noted when a message is accepted. Mail without
   * an account has no pair of ours, and no clock.
   */
  workedMs(entry: PairOf & { readonly workedMs?: number }): number {
    return entry.account === null ? 0 : this.#workingTime.of(pairKey(entry), entry.workedMs);
  }

  /** The config is another. */
  use({ accounts, limits }: Config): void {
    this.credentials.use(accounts);
    this.years.use(accounts, limits.messageSizeBytes);
    this.breakers.use(accounts.map(({ name }) => name));
  }

  async stop(): Promise<void> {
    this.credentials.stop();
    await this.#workingTime.stop();
  }
}
