/**
 * The queues of one account: when each message is due. BullMQ owns when, the disk owns what.
 *
 *     wait = incoming ── fetch ──▶ active ── complete ─▶ completed = delivered
 *          ▲                         ├────── defer ────▶ delayed  = deferred (or held: due in a far year)
 *          └── due time comes ───────┤
 *                                    └────── bounce ───▶ failed   = bounced
 *
 * Two BullMQ queues, urgent and bulk, named `<instance>.<account>.<class>`. A job carries its version and
 * nothing else; its id is the queue id.
 * Promises: adding twice is adding once; settling works although the lock of the job is lost, because the
 * lock on the state folder already says that nobody else works here (docs/decisions/002).
 * Refuses nothing; errors of Redis reject, and the caller has recovery run later.
 */
import type { Job, JobType } from "bullmq";
import type { Redis } from "ioredis";
import { type JobCounts, jobCounts, oldestWaiting, placesInLine } from "./figures.ts";
import { closeHalf, type Half, type HalfOptions, openHalf } from "./half.ts";

export type MessageClass = "urgent" | "bulk";
export const CLASSES: readonly MessageClass[] = ["urgent", "bulk"];

/** Far enough to never come by itself, near enough for BullMQ's scores (milliseconds × 4096 < 2^53). */
export const HELD_UNTIL_MS = Date.UTC(2038, 0, 1);

/** What is due then or later is held: the clock may have been set a little since. */
export const HELD_FROM_MS = HELD_UNTIL_MS - 86_400_000;

const JOB_NAME = "deliver";
const JOB_VERSION = 1;
const WITHOUT_LOCK = "0";
const LIST_PAGE = 1000;
const SCORE_PER_MS = 4096;

/** A message to add; due at once without `dueMs` (milliseconds since 1970). */
export interface Due {
  readonly id: string;
  readonly class: MessageClass;
  readonly dueMs?: number;
}

/** A job in our hands: it is active until one of the settling calls. */
export interface Fetched {
  readonly id: string;
  readonly class: MessageClass;
  /** Is it of a version that we know? Others are parked: recovery gives the message a job of ours. */
  readonly known: boolean;
  readonly job: Job;
}

export type QueueState = "incoming" | "active" | "deferred" | "bounced" | "delivered";
const BULL_STATE: Record<QueueState, JobType> = {
  incoming: "wait",
  active: "active",
  deferred: "delayed",
  bounced: "failed",
  delivered: "completed",
};

export class AccountQueue implements AsyncDisposable {
  readonly account: string;
  readonly #redis: Redis;
  #halves: Record<MessageClass, Half>;
  #token: string;

  constructor(options: HalfOptions) {
    this.account = options.account;
    this.#redis = options.redis;
    this.#token = options.instance;
    const half = (name: MessageClass): Half => openHalf(name, options);
    this.#halves = { urgent: half("urgent"), bulk: half("bulk") };
  }

  /** Goes on under the names of `other`, of the same account. What was fetched before cannot be settled any more. */
  async become(other: AccountQueue): Promise<void> {
    const former = this.#halves;
    this.#halves = other.#halves;
    this.#token = other.#token;
    for (const half of Object.values(former)) await closeHalf(half);
  }

  /** Resolves when Redis has answered both queues; rejects when it did not. */
  async ready(): Promise<void> {
    for (const { queue, worker } of Object.values(this.#halves)) {
      await queue.waitUntilReady();
      await worker.waitUntilReady();
    }
  }

  /** Adds messages; those that are there already, in any state, stay as they are. */
  async add(messages: readonly Due[], nowMs: number): Promise<void> {
    for (const name of CLASSES) {
      const jobs = messages
        .filter((message) => message.class === name)
        .map(({ id, dueMs }) => ({
          name: JOB_NAME,
          data: { v: JOB_VERSION },
          opts: { jobId: id, delay: Math.max(0, (dueMs ?? 0) - nowMs) },
        }));
      if (jobs.length > 0) await this.#halves[name].queue.addBulk(jobs);
    }
  }

  /** Takes the next due message of a class. */
  async fetch(name: MessageClass): Promise<Fetched | undefined> {
    const job = await this.#halves[name].worker.getNextJob(this.#token, { block: false });
    return job?.id === undefined
      ? undefined
      : { id: job.id, class: name, known: job.data?.v === JOB_VERSION, job };
  }

  /** How many messages of each class could be fetched now, and when the next will be due that cannot. One round trip. */
  async due(nowMs: number): Promise<{
    readonly waiting: Readonly<Record<MessageClass, number>>;
    readonly nextDueMs: number | undefined;
  }> {
    // Said in one turn, they share a write. Not a pipeline object: that copies all of BullMQ's scripts each time.
    const asked = CLASSES.map((name) => {
      const { queue } = this.#halves[name];
      return Promise.all([
        this.#redis.llen(queue.toKey("wait")),
        this.#redis.zcount(queue.toKey("delayed"), "-inf", String(scoreOf(nowMs))),
        this.#redis.zrange(queue.toKey("delayed"), "0", "0", "WITHSCORES"),
      ]);
    });
    const waiting = { urgent: 0, bulk: 0 };
    let nextDueMs: number | undefined;
    for (const [index, [inList, ripe, first]] of (await Promise.all(asked)).entries()) {
      waiting[CLASSES[index] as MessageClass] = inList + ripe;
      if (first[1] !== undefined)
        nextDueMs = Math.min(Number(first[1]) / SCORE_PER_MS, nextDueMs ?? Number.POSITIVE_INFINITY);
    }
    return { waiting, nextDueMs };
  }

  /** How many messages there are in each state, as their jobs say. One round trip. */
  counts(): Promise<JobCounts> {
    return jobCounts(this.#redis, this.#allKeys, HELD_FROM_MS * SCORE_PER_MS);
  }

  /** The id of the oldest message that is to go out, or held; reads all ids. */
  oldest(): Promise<string | undefined> {
    return oldestWaiting(this.#redis, this.#allKeys);
  }

  /** How many messages of a class wait to be fetched. */
  waiting(name: MessageClass): Promise<number> {
    return this.#redis.llen(this.#keysOf(name)("wait"));
  }

  /** How many messages of its class go before each of these that waits now. */
  positions(name: MessageClass, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return placesInLine(this.#redis, this.#keysOf(name), ids);
  }

  complete(fetched: Fetched): Promise<void> {
    const { job } = fetched;
    return this.#settle(fetched, async (token) => void (await job.moveToCompleted(null, token, false)));
  }

  defer(fetched: Fetched, dueMs: number): Promise<void> {
    return this.#settle(fetched, (token) => fetched.job.moveToDelayed(dueMs, token));
  }

  /** Parks it: due in a far year, until it is promoted. */
  hold(fetched: Fetched): Promise<void> {
    return this.defer(fetched, HELD_UNTIL_MS);
  }

  bounce(fetched: Fetched, reason: string): Promise<void> {
    const { job } = fetched;
    return this.#settle(
      fetched,
      async (token) => void (await job.moveToFailed(new Error(reason), token, false)),
    );
  }

  /** Puts it back where it came from: it is the next one of its class. */
  putBack(fetched: Fetched): Promise<void> {
    return this.#settle(fetched, async (token) => void (await fetched.job.moveToWait(token)));
  }

  /** Forgets a message, whatever its state; not while it is active. */
  async remove(id: string): Promise<void> {
    for (const name of CLASSES) await this.#halves[name].queue.remove(id);
  }

  /** Calls `see` with the ids in a state, a page at a time. */
  async eachPage(
    state: QueueState,
    see: (ids: string[], name: MessageClass) => void | Promise<void>,
  ): Promise<void> {
    for (const name of CLASSES) {
      for (let start = 0; ; start += LIST_PAGE) {
        const ids = await this.#halves[name].queue.getRanges(
          [BULL_STATE[state]],
          start,
          start + LIST_PAGE - 1,
        );
        if (ids.length > 0) await see(ids, name);
        if (ids.length < LIST_PAGE) break;
      }
    }
  }

  /** Every deferred job that is due at `fromMs` or later, with the time it is due (milliseconds since 1970). */
  async deferred(fromMs = 0): Promise<{ id: string; class: MessageClass; dueMs: number }[]> {
    const found: { id: string; class: MessageClass; dueMs: number }[] = [];
    for (const name of CLASSES) {
      const { queue } = this.#halves[name];
      for (let start = 0; ; start += LIST_PAGE) {
        const page = await this.#redis.zrangebyscore(
          queue.toKey("delayed"),
          String(fromMs * SCORE_PER_MS),
          "+inf",
          "WITHSCORES",
          "LIMIT",
          String(start),
          String(LIST_PAGE),
        );
        for (let i = 0; i < page.length; i += 2)
          found.push({ id: page[i] as string, class: name, dueMs: Number(page[i + 1]) / SCORE_PER_MS });
        if (page.length < 2 * LIST_PAGE) break;
      }
    }
    return found;
  }

  /** Makes a deferred message due at another time (milliseconds since 1970). */
  async reschedule(id: string, name: MessageClass, delayMs: number): Promise<void> {
    const job = await this.#halves[name].queue.getJob(id);
    if (job && (await job.isDelayed())) await job.changeDelay(Math.max(0, Math.round(delayMs)));
  }

  /** A job that is active although nobody works on it (a crash, a lost reply) waits again. */
  async reclaim(id: string, name: MessageClass): Promise<void> {
    const job = await this.#halves[name].queue.getJob(id);
    if (job) await job.moveToWait(WITHOUT_LOCK);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const half of Object.values(this.#halves)) await closeHalf(half);
  }

  get #allKeys() {
    return CLASSES.map((name) => this.#keysOf(name));
  }

  #keysOf(name: MessageClass): (set: string) => string {
    const { queue } = this.#halves[name];
    return (set) => queue.toKey(set);
  }

  async #settle({ class: name, job }: Fetched, move: (token: string) => Promise<void>): Promise<void> {
    if (job.queueName !== this.#halves[name].queue.name)
      throw new Error(`Cannot settle ${job.id} as it was fetched from ${job.queueName}, which is left`);
    try {
      await move(this.#token);
    } catch (error) {
      if (!/lock/i.test((error as Error).message)) throw error;
      await move(WITHOUT_LOCK); // this token skips the check of the lock
    }
  }
}

/** The score in BullMQ's delayed set of everything due at `ms`: milliseconds × 4096, and a sequence below that. */
function scoreOf(ms: number): number {
  return (ms + 1) * SCORE_PER_MS - 1;
}
