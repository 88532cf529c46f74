/**
 * The hour's budget of one account: asked before each message leaves.
 *
 * Promises (P5): in any 60 minutes at most `perHour` charges conform, over every host that shares Redis and
 * over restarts; a bucket that Redis lost, or has forgotten a part of, is mended from the journal's last hour before
 * anything is charged: at start, after each reconnection, and when it is gone.
 * MAIL must follow its charge within `CHARGE_VALID_MS`, or be charged again: the interval makes room for it.
 * Refuses to guess: when Redis does not answer, `charge` rejects and delivery waits.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import type { Pace } from "../schedule/pace.ts";

export const HOUR_MS = 3_600_000;
/** D in docs/architecture.md: how old a charge may be when its MAIL is said. */
export const CHARGE_VALID_MS = 5000;

const SCRIPT = readFileSync(new URL("./gcra.lua", import.meta.url), "utf8");
const DEBT_UNKNOWN = -1;

export interface PacerOptions {
  readonly redis: Redis;
  /** The credential: what the relay service bills, whatever the account is called on other hosts. */
  readonly username: string;
  readonly pace: Pace;
  /** When this host charged messages in the last hour, from the journal: milliseconds since 1970, rising. */
  readonly chargesOfLastHour: () => Promise<readonly number[]>;
  readonly now: () => number;
}

/** T in microseconds, rounded up: (3600 s + D) / (perHour − burst). */
export function emissionIntervalUs(perHour: number, burst: number): number {
  return Math.ceil(((HOUR_MS + CHARGE_VALID_MS) * 1000) / (perHour - burst));
}

export class Pacer {
  readonly #options: PacerOptions;
  readonly #key: string;
  #trusted = false;

  constructor(options: PacerOptions) {
    this.#options = options;
    const credential = createHash("sha256").update(options.username).digest("hex").slice(0, 16);
    this.#key = `{sluice:pace}:${credential}:messages`;
  }

  /** Charges one message: 0 when it may go now, else the milliseconds to wait (then nothing was charged). */
  charge(): Promise<number> {
    return this.#call("charge");
  }

  /** How long a charge would have to wait now, milliseconds; charges nothing. */
  ask(): Promise<number> {
    return this.#call("ask");
  }

  /** The bucket may be older than what we charged: the next call looks into the journal first. */
  distrust(): void {
    this.#trusted = false;
  }

  async #call(mode: "charge" | "ask"): Promise<number> {
    const { pace } = this.#options;
    if (pace.kind === "unlimited") return 0;
    const interval = emissionIntervalUs(pace.perHour, pace.burst);
    const tolerance = (pace.burst - 1) * interval;
    const call = async (debt: number) =>
      (await this.#options.redis.eval(SCRIPT, 1, this.#key, mode, interval, tolerance, debt)) as [
        number,
        number,
      ];
    const debtUs = async () => debtOf(await this.#options.chargesOfLastHour(), interval, this.#options.now());
    let [answer, waitUs] = await call(this.#trusted ? DEBT_UNKNOWN : await debtUs());
    if (answer === 2) [answer, waitUs] = await call(await debtUs());
    this.#trusted = true;
    return answer === 1 ? 0 : Math.ceil(waitUs / 1000);
  }
}

/** What a bucket owes after these charges, microseconds: each adds an interval to what is owed at its time. */
function debtOf(chargesMs: readonly number[], intervalUs: number, nowMs: number): number {
  let freeAtUs = Number.NEGATIVE_INFINITY;
  for (const atMs of chargesMs) freeAtUs = Math.max(freeAtUs, atMs * 1000) + intervalUs;
  return Math.max(0, Math.ceil(freeAtUs - nowMs * 1000));
}
