/**
 * What the delivering half answers to people who ask: what is in a session, why mail waits, whether it flows.
 *
 * Promises: changes nothing, and never reads the spool. Health and what is in hand are known here already; the outlook,
 * counts and budgets ask Redis, a few commands for each account.
 */
import type { JobCounts } from "../queue/figures.ts";
import { type Queues, UNASSIGNED } from "../queue/queues.ts";
import type { Redis } from "../queue/redis.ts";
import type { StoredEntry } from "../spool/entry.ts";
import type { Spool } from "../spool/spool.ts";
import type { OpenBreaker } from "./breakers.ts";
import type { Feeder } from "./feeder.ts";
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
  readonly feeders: ReadonlyMap<string, Feeder>;
  readonly standing: Pick<Standing, "breakers">;
  readonly watchdog: Pick<Watchdog, "stuck">;
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
    return [...this.#parts.feeders.values()].some((feeder) => feeder.inHand(id));
  }

  /** Why the waiting mail of an account does not go now, and when each of `messages` will. */
  async outlook(account: string, messages: readonly InLine[] = []): Promise<Outlook> {
    if (this.#redisAway) return stoppedBy("Redis does not answer");
    const known = this.#parts.feeders.get(account)?.outlook(messages);
    return (await known?.catch((error: Error) => stoppedBy(error.message))) ?? NO_OUTLOOK;
  }

  /**
   * Messages by account and state, as the jobs in Redis say; costs the same however many there are. Rejects while Redis
   * does not answer. A list, which reads the files, may say otherwise (src/control/queue-stats.ts).
   */
  async counts(): Promise<readonly AccountCounts[]> {
    return Promise.all(
      this.#reachable().map(async (queue) => ({
        account: queue.account === UNASSIGNED ? null : queue.account,
        states: await queue.counts(),
      })),
    );
  }

  /** By account; null where the pace is unlimited, and while Redis does not answer. */
  async budgets(): Promise<Readonly<Record<string, BudgetUse | null>>> {
    const asked = [...this.#parts.feeders].map(async ([account, feeder]) => {
      const use = this.#redisAway ? null : await feeder.budget().catch(() => null);
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
    if (this.#redisAway || queues.length === 0)
      throw new Error("Cannot count what is in the queue as Redis does not answer");
    return queues;
  }

  /** Why mail of its pair is held back, if it is, and when it is tried again (milliseconds since 1970), if known. */
  pairStopped(entry: StoredEntry): { readonly reason: string; readonly nextProbeMs?: number } | undefined {
    return this.#parts.standing.breakers.pairStopped(entry);
  }

  /** What keeps mail from being taken or delivered now: sentences, and when it is tried again (ISO 8601), if known. */
  get health() {
    const { standing, watchdog, spool } = this.#parts;
    const room = spool.room();
    const reasons = [
      ...standing.breakers.open().map((one) => ({
        reason: `${nameOf(one)} is stopped: ${one.reason}`,
        nextProbe: one.nextProbeMs === undefined ? null : new Date(one.nextProbeMs).toISOString(),
      })),
      ...[
        ...watchdog.stuck.map((account) => `${account} stands still: mail is due and nothing moves`),
        ...(this.#redisAway ? ["Redis does not answer: mail is taken, and waits"] : []),
        ...(!room.ok && room.reason === "disk-low" ? ["the disk of the spool is low: no mail is taken"] : []),
        ...(!room.ok && room.reason === "queue-full" ? ["limits.queue is reached: no mail is taken"] : []),
      ].map((reason) => ({ reason, nextProbe: null })),
    ];
    return { ok: reasons.length === 0, reasons };
  }

  get #redisAway(): boolean {
    return this.#parts.redis.status !== "ready";
  }
}

function nameOf({ breaker, account, pair }: OpenBreaker): string {
  switch (breaker) {
    case "upstream":
      return "the upstream";
    case "account":
      return String(account);
    case "pair":
      return `the pair ${pair} of ${account}`;
  }
}
