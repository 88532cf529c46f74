/**
 * Figures of BullMQ queues, for people who ask: how many jobs there are in each state, and who stands where in line.
 *
 * Promises: counting costs the same however many there are; nothing of a long list crosses the wire for a few ids. The
 * oldest is another matter: BullMQ keeps ids by when they are due, so every one is read, and who asks often should not.
 * Refuses nothing; what changes between two commands makes a place wrong by as much.
 */
import type { Redis } from "ioredis";

export type JobCounts = Readonly<Record<"incoming" | "active" | "deferred" | "held" | "bounced", number>>;

type Asked = Pick<Redis, "llen" | "zcount" | "zcard" | "lpos" | "lrange" | "zrange">;
/** The key of one of the queue's lists and sets. */
type KeyOf = (set: "wait" | "active" | "delayed" | "failed") => string;

/** So many ids are looked for one by one. */
const FEW = 10;
const PAGE = 1000;

/** Jobs of all these queues by state; those whose score in the delayed set is `heldFrom` or more are held. One round trip. */
export async function jobCounts(redis: Asked, keys: readonly KeyOf[], heldFrom: number): Promise<JobCounts> {
  const asked = keys.map((key) =>
    Promise.all([
      redis.llen(key("wait")),
      redis.llen(key("active")),
      redis.zcount(key("delayed"), "-inf", `(${heldFrom}`),
      redis.zcount(key("delayed"), String(heldFrom), "+inf"),
      redis.zcard(key("failed")),
    ]),
  );
  const sum = { incoming: 0, active: 0, deferred: 0, held: 0, bounced: 0 };
  for (const [incoming, active, deferred, held, bounced] of await Promise.all(asked)) {
    sum.incoming += incoming;
    sum.active += active;
    sum.deferred += deferred;
    sum.held += held;
    sum.bounced += bounced;
  }
  return sum;
}

/** The lowest id that is not given up: ids sort by the time of acceptance. */
export async function oldestWaiting(redis: Asked, keys: readonly KeyOf[]): Promise<string | undefined> {
  const asked = keys.flatMap((key) => [
    redis.lrange(key("wait"), 0, -1),
    redis.lrange(key("active"), 0, -1),
    redis.zrange(key("delayed"), "0", "-1"),
  ]);
  let lowest: string | undefined;
  for (const ids of await Promise.all(asked))
    for (const id of ids) if (lowest === undefined || id < lowest) lowest = id;
  return lowest;
}

/** How many wait before each of these ids that waits too. */
export async function placesInLine(
  redis: Asked,
  key: KeyOf,
  ids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  return new Map(
    await (ids.length <= FEW ? search(redis, key("wait"), ids) : readOn(redis, key("wait"), ids)),
  );
}

/** Redis looks for each, from the end of the list: the next one stands there. */
async function search(redis: Asked, list: string, ids: readonly string[]): Promise<[string, number][]> {
  if (ids.length === 0) return [];
  const [length, ...places] = await Promise.all([
    redis.llen(list),
    ...ids.map((id) => redis.lpos(list, id, "RANK", -1)),
  ]);
  return ids.flatMap((id, i): [string, number][] => {
    const place = places[i];
    return typeof place === "number" ? [[id, Math.max(0, length - 1 - place)]] : [];
  });
}

/** Page by page from the end until all are found: the rows of a list are neighbours in line too. */
async function readOn(redis: Asked, list: string, ids: readonly string[]): Promise<[string, number][]> {
  const wanted = new Set(ids);
  const found: [string, number][] = [];
  for (let before = 0; found.length < wanted.size; before += PAGE) {
    const page = await redis.lrange(list, -before - PAGE, -before - 1);
    for (const [index, id] of page.reverse().entries()) if (wanted.has(id)) found.push([id, before + index]);
    if (page.length < PAGE) break;
  }
  return found;
}
