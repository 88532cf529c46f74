/**
 * The queues of this installation: one for each account, and one for mail that has none yet. The accounts may be others
 * after a while; a queue that nobody has any more stays open, unseen, for a message that somebody has in hand.
 *
 * Promises: made while Redis is away, they are ready when it comes; `ready` never rejects; `onConnected` is
 * called at every reconnection, because what Redis holds may be older than what we were told. In a Redis that others
 * share, no queue is touched whose lease we do not hold (ownership.ts); when it is lost they go on under other names.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { AccountQueue } from "./account-queue.ts";
import type { Ownership } from "./ownership.ts";

/** Stands for "no account" in names of queues; the config refuses it as an account's name. */
export const UNASSIGNED = "unassigned";

const RETRY_MS = 500;

export interface QueuesOptions {
  readonly redis: Redis;
  readonly instance: string;
  /** The lease on that instance's queues; undefined when Redis is ours alone. */
  readonly ownership?: Ownership | undefined;
  /** To begin with. */
  readonly accounts: readonly string[];
  /** What Redis holds may not be what it was: why. */
  readonly onConnected: (reason: string) => void;
  readonly onTrouble: (reason: string) => void;
}

export class Queues implements AsyncDisposable {
  readonly redis: Redis;
  /** Resolves when Redis has answered and every queue exists; not at all before `open`. */
  readonly ready: Promise<void>;
  #isReady: () => void = () => {};
  readonly #options: QueuesOptions;
  readonly #queues = new Map<string, AccountQueue>();
  /** Those of the config in force, and UNASSIGNED. */
  #accounts: ReadonlySet<string>;
  /** Undefined until it is known to be ours. */
  #instance: string | undefined;
  #renewals: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;
  #closed = false;

  constructor(options: QueuesOptions) {
    this.#options = options;
    this.redis = options.redis;
    this.#accounts = new Set([...options.accounts, UNASSIGNED]);
    this.ready = new Promise((resolve) => {
      this.#isReady = resolve;
    });
  }

  /** Every queue, the one of mail without an account included. Empty until `ready`. */
  all(): AccountQueue[] {
    return [...this.#queues.values()].filter(({ account }) => this.#accounts.has(account));
  }

  /** The queue of an account (null: of mail without one), if the config has it. */
  find(account: string | null): AccountQueue | undefined {
    const name = account ?? UNASSIGNED;
    return this.#accounts.has(name) ? this.#queues.get(name) : undefined;
  }

  /** The same; throws when the config does not have it. */
  of(account: string | null): AccountQueue {
    const queue = this.find(account);
    if (!queue) throw new Error(`Cannot find the queue as account ${account} is not in the config`);
    return queue;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearInterval(this.#renewals);
    for (const queue of this.#queues.values()) await queue[Symbol.asyncDispose]();
    if (this.#instance !== undefined) await this.#options.ownership?.release();
    this.redis.disconnect();
  }

  /** The id in the queues' names. */
  get instance(): string {
    return this.#instance ?? this.#options.instance;
  }

  /** Makes the queues as soon as Redis answers and they are ours, however long that takes. */
  async open(): Promise<void> {
    const { redis, instance, ownership } = this.#options;
    await redis.connect().catch(() => {}); // it goes on trying
    await this.#untilDone(async () => ownership?.take());
    this.#instance = ownership?.instance ?? instance;
    if (ownership && !this.#closed)
      this.#renewals = setInterval(() => void this.#renew(ownership), ownership.renewMs).unref();
    await this.#openMissing();
    redis.on("ready", () => void this.#connectedAgain());
    this.#isReady();
  }

  /** The accounts are these from now on. Resolves when each has its queue: as soon as Redis answers. */
  async use(accounts: readonly string[]): Promise<void> {
    this.#accounts = new Set([...accounts, UNASSIGNED]);
    await this.ready;
    await this.#openMissing();
  }

  async #openMissing(): Promise<void> {
    for (const account of this.#accounts)
      if (!this.#queues.has(account)) this.#queues.set(account, await this.#openOne(account));
  }

  async #connectedAgain(): Promise<void> {
    if (this.#options.ownership) await this.#renew(this.#options.ownership);
    this.#options.onConnected("connected to Redis again");
  }

  /** Never rejects: what fails is tried at the next renewal. */
  async #renew(ownership: Ownership): Promise<void> {
    this.#renewing ??= this.#renewOnce(ownership)
      .catch((error: Error) => this.#options.onTrouble(error.message))
      .finally(() => {
        this.#renewing = undefined;
      });
    await this.#renewing;
  }

  async #renewOnce(ownership: Ownership): Promise<void> {
    await ownership.renew();
    if (this.#instance === ownership.instance) return;
    await this.ready;
    this.#instance = ownership.instance;
    for (const queue of this.#queues.values()) await queue.become(await this.#openOne(queue.account));
    this.#options.onConnected("the queues have other names");
  }

  /** BullMQ remembers a failed start for ever, so each try is a new object, made when Redis answers. */
  #openOne(account: string): Promise<AccountQueue> {
    const { redis, onTrouble } = this.#options;
    return this.#untilDone(async () => {
      const queue = new AccountQueue({ account, instance: this.instance, redis, onTrouble });
      try {
        await queue.ready();
        if (this.#closed) throw new Error("Cannot open a queue as all are closed");
        return queue;
      } catch (error) {
        await queue[Symbol.asyncDispose]();
        throw error;
      }
    });
  }

  /** Does `work` when Redis answers, again until it succeeds. */
  async #untilDone<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.#answering();
      try {
        return await work();
      } catch (error) {
        this.#options.onTrouble((error as Error).message);
        await sleep(RETRY_MS);
      }
    }
  }

  async #answering(): Promise<void> {
    for (;;) {
      if (this.#closed) await new Promise(() => {});
      const answers = await this.redis.ping().catch(() => undefined);
      if (answers === "PONG") return;
      await sleep(RETRY_MS);
    }
  }
}
