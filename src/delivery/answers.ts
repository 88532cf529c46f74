/**
 * What the delivering half answers to people who ask: what is in a session, why mail waits, whether it flows, how much
 * there is and how much of the budget is used.
 *
 * Promises: changes nothing, and never reads the spool. What returns a promise asks Redis; the rest reads what the parts
 * know already.
 */
import type { YearTotals } from "../pacing/year-totals.ts";
import type { JobCounts } from "../queue/figures.ts";
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
import { type InLine, NO_OUTLOOK, type Outlook, stoppedBy } from "./outlook.ts";
import type { Standing } from "./standing.ts";
import type { Watchdog } from "./watchdog.ts";

/** How many messages of an account are in each state; `account` null: mail that no pair is known for. */
export interface AccountCounts {
  readonly account: string | null;
  readonly states: JobCounts;
}

/** Messages charged in the last 60 minutes by every host that shares the budget, and how many may be. */
export interface BudgetUse {
  readonly used: number;
  readonly perHour: number;
}

export interface AnswerParts {
  readonly feeders: Pick<Feeders, "current" | "inHand">;
  readonly standing: Pick<Standing, "breakers" | "years">;
  readonly watchdog: Pick<Watchdog, "stuck">;
  readonly flow: Pick<Flow, "stalled">;
  readonly redis: Pick<Redis, "status">;
  readonly queues: Pick<Queues, "all">;
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

  /** Why the waiting mail of an account does not go now, and when each of `messages` will. */
  async outlook(account: string, messages: readonly InLine[] = []): Promise<Outlook> {
    if (this.redisAway) return stoppedBy("Redis does not answer");
    const known = this.#parts.feeders.current.get(account)?.outlook(messages);
    return (await known?.catch((error: Error) => stoppedBy(error.message))) ?? NO_OUTLOOK;
  }

  /**
   * Messages by account and state, as the jobs in Redis say; costs the same however many there are. Rejects while Redis
   * does not answer. A list, which reads the files, may say otherwise (src/control/queue-stats.ts).
   */
  async counts(): Promise<readonly AccountCounts[]> {
    return this.#ofEachQueue(async (account, queue) => ({ account, states: await queue.counts() }));
  }

  /** By account; null where the pace is unlimited, and while Redis does not answer. */
  async budgets(): Promise<Readonly<Record<string, BudgetUse | null>>> {
    const asked = [...this.#parts.feeders.current].map(async ([account, feeder]) => {
      const use = this.redisAway ? null : await feeder.budget().catch(() => null);
      return [account, use] as const;
    });
    return Object.fromEntries(await Promise.all(asked));
  }

  /** The ids that were given up, as the jobs say. Rejects while Redis does not answer. */
  async bounced(): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for (const queue of this.#reachable())
      await queue.eachPage("bounced", (ids) => {
        for (const id of ids) found.add(id);
      });
    return found;
  }

  #reachable() {
    const queues = this.#parts.queues.all();
    if (this.redisAway || queues.length === 0)
      throw new Error("Cannot count what is in the queue as Redis does not answer");
    return queues;
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

  /** When the oldest message that waits was accepted, milliseconds since 1970; null when none waits. */
  async oldest(): Promise<readonly { account: string | null; acceptedMs: number | null }[]> {
    return this.#ofEachQueue(async (account, queue) => {
      const id = await queue.oldest();
      return { account, acceptedMs: id !== undefined && isQueueId(id) ? timeOfQueueId(id) : null };
    });
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
    return Promise.all(
      this.#reachable().map((queue) => ask(queue.account === UNASSIGNED ? null : queue.account, queue)),
    );
  }
}
