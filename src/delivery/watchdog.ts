/**
 * Progress of due work: something has to happen while mail is due, the budget is there and no breaker is open.
 *
 * Promises: an account that stands still longer than any wait of ours could last is told as an error and named to those
 * who ask; the connection to Redis is made anew, which starts its lanes and recovery over. An upstream that is down, a
 * budget that is used and a Redis that is away are no standstill: they have reasons of their own.
 */
import type { Events } from "../observe/events.ts";
import type { Redis } from "../queue/redis.ts";
import type { Feeder } from "./feeder.ts";

const LOOK_MS = 15_000;
/** Longer than ten minutes for the reply to the dot, and whatever else is waited for around it. */
const STILL_MS = 15 * 60_000;

export interface WatchdogParts {
  readonly feeders: ReadonlyMap<string, Pick<Feeder, "stillMs">>;
  readonly events: Pick<Events, "report">;
  readonly redis: Pick<Redis, "status" | "disconnect">;
  readonly stillMs?: number;
  readonly lookMs?: number;
}

export class Watchdog {
  readonly #parts: WatchdogParts;
  readonly #stuck = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: WatchdogParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), this.#parts.lookMs ?? LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Accounts whose due mail stands still. */
  get stuck(): readonly string[] {
    return [...this.#stuck].filter((account) => this.#parts.feeders.has(account));
  }

  #look(): void {
    const { feeders, events, redis, stillMs = STILL_MS } = this.#parts;
    if (redis.status !== "ready") return;
    for (const [account, feeder] of feeders) {
      if (feeder.stillMs < stillMs) this.#stuck.delete(account);
      else if (!this.#stuck.has(account)) {
        this.#stuck.add(account);
        const reason = `mail is due and nothing moved for ${Math.round(feeder.stillMs / 60_000)} min; Redis is connected anew`;
        events.report("trouble", { part: "delivery", account, reason }, "error");
        redis.disconnect(true);
      }
    }
  }
}
