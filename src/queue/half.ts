/**
 * One class of an account's queue, as BullMQ has it: a Queue to add to, a Worker that only fetches when asked.
 *
 * Promises: one connection for all; nothing runs by itself: no loop, no check for stalled jobs, no renewal of locks.
 * Refuses to throw errors of Redis into the air: they are told to `onTrouble`.
 */
import { Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";

// Only a safety net against other tools that look at the queue: see docs/decisions/002.
const LOCK_MS = 3_600_000;

export interface Half {
  readonly queue: Queue;
  readonly worker: Worker;
}

export interface HalfOptions {
  readonly account: string;
  readonly instance: string;
  readonly redis: Redis;
  readonly onTrouble: (reason: string) => void;
}

/** The keys of an account share a tag, so that they stay on one node of a Redis Cluster. */
export function queuePrefix(account: string): string {
  return `{sluice:${account}}`;
}

/** The queue `<instance>.<account>.<name>`. */
export function openHalf(name: "urgent" | "bulk", options: HalfOptions): Half {
  const { account, instance, redis, onTrouble } = options;
  const queueName = `${instance}.${account}.${name}`;
  const prefix = queuePrefix(account);
  const queue = new Queue(queueName, {
    connection: redis,
    prefix,
    streams: { events: { maxLen: 100 } },
    defaultJobOptions: {
      removeOnComplete: { age: 3600, count: 10_000 }, // kept briefly: a late add of a delivered id is a no-op
      removeOnFail: false,
      stackTraceLimit: 0,
    },
  });
  const worker = new Worker(queueName, null, {
    connection: redis,
    prefix,
    autorun: false,
    lockDuration: LOCK_MS,
    skipStalledCheck: true,
    skipLockRenewal: true,
  });
  queue.on("error", (error) => onTrouble(error.message));
  worker.on("error", (error) => onTrouble(error.message));
  return { queue, worker };
}

/** Lets go of it; the connection stays. Never rejects. */
export async function closeHalf({ queue, worker }: Half): Promise<void> {
  await worker.close(true).catch(() => {});
  await queue.close().catch(() => {});
}
