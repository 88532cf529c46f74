/**
 * How many messages the queues of an account hold, by state, and which is the oldest.
 *
 * Promises: the counts cost the same whatever the queue holds. The oldest does not: every id is read, for BullMQ keeps
 * them by when they are due; who asks it often should not.
 */
import type { Queue } from "bullmq";
import type { Redis } from "ioredis";

/** Messages by state, as operators know them: `held` are those that are due in a far year. */
export type QueueCounts = Record<"incoming" | "active" | "deferred" | "held" | "bounced", number>;

type Keys = Pick<Queue, "toKey">;

/** `heldScore`: from there on, what is delayed is held. */
export async function countsOf(
  redis: Redis,
  queues: readonly Keys[],
  heldScore: number,
): Promise<QueueCounts> {
  const asked = queues.map((queue) =>
    Promise.all([
      redis.llen(queue.toKey("wait")),
      redis.llen(queue.toKey("active")),
      redis.zcard(queue.toKey("delayed")),
      redis.zcount(queue.toKey("delayed"), String(heldScore), "+inf"),
      redis.zcard(queue.toKey("failed")),
    ]),
  );
  const sum = { incoming: 0, active: 0, deferred: 0, held: 0, bounced: 0 };
  for (const [waiting, active, delayed, held, failed] of await Promise.all(asked)) {
    sum.incoming += waiting;
    sum.active += active;
    sum.deferred += delayed - held;
    sum.held += held;
    sum.bounced += failed;
  }
  return sum;
}

/** The lowest id, which is the oldest message, that is not bounced. */
export async function oldestOf(redis: Redis, queues: readonly Keys[]): Promise<string | undefined> {
  const asked = queues.flatMap((queue) => [
    redis.lrange(queue.toKey("wait"), 0, -1),
    redis.lrange(queue.toKey("active"), 0, -1),
    redis.zrange(queue.toKey("delayed"), "0", "-1"),
  ]);
  let lowest: string | undefined;
  for (const ids of await Promise.all(asked))
    for (const id of ids) if (lowest === undefined || id < lowest) lowest = id;
  return lowest;
}
