/**
 * What the delivering half answers to people who ask: what is in a session, why mail waits, whether it flows, how much
 * there is and how much of the budget is used.
 *
 * Promises: changes nothing. What returns a promise asks Redis, and rejects when that does not answer; the rest reads
 * what the parts know already.
 */
import type { YearTotals } from "../pacing/year-totals.ts";
import type { QueueCounts } from "../queue/counts.ts";
import { type Queues, UNASSIGNED } from "../queue/queues.ts";
import type { Redis } from "../queue/redis.ts";
import type { Span } from "../schedule/contract-year.ts";
import type { StoredEntry } from "../spool/entry.ts";
import { isQueueId, timeOfQueueId } from "../spool/queue-id.ts";
import type { Spool } from "../spool/spool.ts";
import type { BreakerState } from "../upstream/breaker.ts";
import type { OpenBreaker } from "./breakers.ts";
import type { Feeders } from "./feeders.ts";
import type { Flow } from "./flow.ts";
import { type Health, healthOf } from "./health.ts";
import { NO_OUTLOOK, type Outlook, stoppedBy } from "./outlook.ts";
import type { Standing } from "./standing.ts";
import type { Watchdog } from "./watchdog.ts";

export interface AnswerParts {
  readonly feeders: Pick<Feeders, "current" | "inHand">;
  readonly queues: Pick<Queues, "all">;
  readonly standing: Pick<Standing, "breakers" | "years">;
  readonly watchdog: Pick<Watchdog, "stuck">;
  readonly flow: Pick<Flow, "stalled">;
  readonly redis: Pick<Redis, "status">;
  readonly spool: Pick<Spool, "room">;
}

export class Answers {
  readonly #parts: AnswerParts;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
  }

  /** Is this message in a session just now? */
  inHand(id: string): boolean {
    return this.#parts.feeders.inHand(id);
  }

  /** When the waiting mail of an account will go, and why not now. */
  async outlook(account: string): Promise<Outlook> {
    if (this.redisAway) return stoppedBy("Redis does not answer");
    const known = this.#parts.feeders.current.get(account)?.outlook();
    return (await known?.catch((error: Error) => stoppedBy(error.message))) ?? NO_OUTLOOK;
  }

  /** Why mail of its pair is held back, if it is, and when it is tried again (milliseconds since 1970), if known. */
  pairStopped(entry: StoredEntry): { readonly reason: string; readonly nextProbeMs?: number } | undefined {
    return this.#parts.standing.breakers.pairStopped(entry);
  }

  /** What keeps mail from being taken or delivered now. */
  get health(): Health {
    const { standing, watchdog, flow, spool } = this.#parts;
    return healthOf({
      open: standing.breakers.open(),
      stuck: watchdog.stuck,
      stalled: flow.stalled(),
      redis: this.redisAway ? "away" : "there",
      room: spool.room(),
    });
  }

  get redisAway(): boolean {
    return this.#parts.redis.status !== "ready";
  }

  /** Messages by state, of each account; of mail without one: null. */
  async counts(): Promise<readonly { account: string | null; states: QueueCounts }[]> {
    return this.#ofEachQueue(async (account, queue) => ({ account, states: await queue.counts() }));
  }

  /** When the oldest message that waits was accepted, milliseconds since 1970; null when none waits. */
  async oldest(): Promise<readonly { account: string | null; acceptedMs: number | null }[]> {
    return this.#ofEachQueue(async (account, queue) => {
      const id = await queue.oldest();
      return { account, acceptedMs: id !== undefined && isQueueId(id) ? timeOfQueueId(id) : null };
    });
  }

  /** Of the hour's budget, by account; null where there is no limit. */
  async budgets(): Promise<Record<string, { used: number; perHour: number } | null>> {
    const asked = [...this.#parts.feeders.current].map(
      async ([account, feeder]) => [account, await feeder.budget()] as const,
    );
    return Object.fromEntries(await Promise.all(asked));
  }

  /** Upstream sessions of an account that are open now, and its breaker. */
  standing(account: string): { readonly sessions: number; readonly breaker: BreakerState["name"] } {
    const { feeders, standing } = this.#parts;
    return {
      sessions: feeders.current.get(account)?.sessions ?? 0,
      breaker: standing.breakers.account(account).state.name,
    };
  }

  /** Breakers that are not closed, and have mail to stop. */
  openBreakers(): readonly OpenBreaker[] {
    return this.#parts.standing.breakers.open();
  }

  /** What each host used of an account's year, as far as is known here. */
  yearTotals(account: string, year: Span): YearTotals {
    return this.#parts.standing.years.totals(account, year);
  }

  async #ofEachQueue<T>(
    ask: (account: string | null, queue: ReturnType<Queues["all"]>[number]) => Promise<T>,
  ): Promise<T[]> {
    if (this.redisAway) throw new Error("Redis does not answer");
    const queues = this.#parts.queues.all();
    return Promise.all(
      queues.map((queue) => ask(queue.account === UNASSIGNED ? null : queue.account, queue)),
    );
  }
}
