/**
 * The queues of this installation: one for each account, and one for mail that has none yet.
 *
 * Promises: made while Redis is away, they are ready when it comes; `ready` never rejects; `onConnected` is
 * called at every (re)connection, because what Redis holds may be older than what we were told.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { AccountQueue } from "./account-queue.ts";

/** Stands for "no account" in names of queues; the config refuses it as an account's name. */
export const UNASSIGNED = "unassigned";

const RETRY_MS = 500;

export interface QueuesOptions {
  readonly redis: Redis;
  readonly instance: string;
  readonly accounts: readonly string[];
  readonly onConnected: () => void;
  readonly onTrouble: (reason: string) => void;
}

export class Queues implements AsyncDisposable {
  readonly redis: Redis;
  /** Resolves when Redis has answered and every queue exists; not at all before `open`. */
  readonly ready: Promise<void>;
  #isReady: () => void = () => {};
  readonly #options: QueuesOptions;
  readonly #queues = new Map<string, AccountQueue>();
  #closed = false;

  constructor(options: QueuesOptions) {
    this.#options = options;
    this.redis = options.redis;
    this.ready = new Promise((resolve) => {
      this.#isReady = resolve;
    });
  }

  /** Every queue, the one of mail without an account included. Empty until `ready`. */
  all(): AccountQueue[] {
    return [...this.#queues.values()];
  }

  /** The queue of an account (null: of mail without one), if the config has it. */
  find(account: string | null): AccountQueue | undefined {
    return this.#queues.get(account ?? UNASSIGNED);
  }

  /** The same; throws when the config does not have it. */
  of(account: string | null): AccountQueue {
    const queue = this.find(account);
    if (!queue) throw new Error(`Cannot find the queue as account ${account} is not in the config`);
    return queue;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const queue of this.#queues.values()) await queue[Symbol.asyncDispose]();
    this.redis.disconnect();
  }

  /** Makes the queues as soon as Redis answers, however long that takes. */
  async open(): Promise<void> {
    const { redis, accounts, instance, onTrouble, onConnected } = this.#options;
    await redis.connect().catch(() => {}); // it goes on trying
    for (const account of [...accounts, UNASSIGNED]) {
      this.#queues.set(account, await this.#openOne({ account, instance, redis, onTrouble }));
    }
    redis.on("ready", onConnected);
    this.#isReady();
  }

  /** BullMQ remembers a failed start for ever, so each try is a new object, made when Redis answers. */
  async #openOne(options: ConstructorParameters<typeof AccountQueue>[0]): Promise<AccountQueue> {
    for (;;) {
      await this.#answering();
      const queue = new AccountQueue(options);
      try {
        await queue.ready();
        return queue;
      } catch (error) {
        this.#options.onTrouble((error as Error).message);
        await queue[Symbol.asyncDispose]();
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
