import { expect, onTestFinished, test } from "vitest";
import {
  AccountQueue,
  type Fetched,
  HELD_UNTIL_MS,
  type MessageClass,
  type QueueState,
} from "../../src/queue/account-queue.ts";
import { redisForTests } from "../support/redis.ts";

const redis = redisForTests();
let made = 0;

async function newQueue(instance = `i${made++}`): Promise<AccountQueue> {
  const queue = new AccountQueue({ account: "portal", instance, redis: redis.client(), onTrouble: () => {} });
  await queue.ready();
  onTestFinished(() => queue[Symbol.asyncDispose]());
  return queue;
}

/** The ids in each state that has any. */
async function states(queue: AccountQueue): Promise<Partial<Record<QueueState, string[]>>> {
  const found: Partial<Record<QueueState, string[]>> = {};
  for (const state of ["incoming", "active", "deferred", "bounced", "delivered"] as const)
    await queue.eachPage(state, (ids) => {
      found[state] = [...(found[state] ?? []), ...ids];
    });
  return found;
}

async function fetchOne(queue: AccountQueue, name: MessageClass = "bulk"): Promise<Fetched> {
  const fetched = await queue.fetch(name);
  if (!fetched) throw new Error("nothing was due");
  return fetched;
}

const NONE = { urgent: 0, bulk: 0 };

const bulk = (id: string, dueMs?: number) => ({
  id,
  class: "bulk" as const,
  ...(dueMs === undefined ? {} : { dueMs }),
});

test("each class is fetched by itself, and within a class the first come is the first served", async () => {
  const queue = await newQueue();
  await queue.add([bulk("b1"), bulk("b2"), { id: "u1", class: "urgent" }], Date.now());
  expect((await queue.due(Date.now())).waiting).toEqual({ urgent: 1, bulk: 2 });
  expect((await fetchOne(queue, "urgent")).id).toBe("u1");
  expect(await queue.fetch("urgent")).toBeUndefined();
  expect([(await fetchOne(queue)).id, (await fetchOne(queue)).id]).toEqual(["b1", "b2"]);
  expect(await queue.fetch("bulk")).toBeUndefined();
});

test("adding a message twice is adding it once, in whatever state it is", async () => {
  const queue = await newQueue();
  await queue.add([bulk("a1")], Date.now());
  await queue.add([bulk("a1")], Date.now());
  const fetched = await fetchOne(queue);
  await queue.add([bulk("a1")], Date.now());
  await queue.complete(fetched);
  await queue.add([bulk("a1")], Date.now());
  expect(await states(queue)).toEqual({ delivered: ["a1"] });
});

test("a deferred message is due at its time and does not overtake the fresh", async () => {
  const queue = await newQueue();
  await queue.add([bulk("old")], Date.now());
  await queue.defer(await fetchOne(queue), Date.now() + 300);
  const due = await queue.due(Date.now());
  expect(due.waiting).toEqual(NONE);
  expect(due.nextDueMs).toBeGreaterThan(Date.now());
  await queue.add([bulk("new")], Date.now());
  await new Promise((resolve) => setTimeout(resolve, 350));
  expect((await queue.due(Date.now())).waiting).toEqual({ ...NONE, bulk: 2 });
  expect([(await fetchOne(queue)).id, (await fetchOne(queue)).id]).toEqual(["new", "old"]);
});

test("a held message never comes due by itself, and does when its time is changed", async () => {
  const queue = await newQueue();
  await queue.add([bulk("h1", HELD_UNTIL_MS)], Date.now());
  expect((await queue.due(Date.now() + 365 * 86_400_000)).waiting).toEqual(NONE);
  expect(await queue.fetch("bulk")).toBeUndefined();
  const [held] = await queue.deferred();
  expect(held).toMatchObject({ id: "h1", class: "bulk" });
  expect(Math.abs((held?.dueMs ?? 0) - HELD_UNTIL_MS)).toBeLessThan(1000);
  await queue.reschedule("h1", "bulk", 0);
  expect((await fetchOne(queue)).id).toBe("h1");
});

test("a message that was put back is the next one of its class", async () => {
  const queue = await newQueue();
  await queue.add([bulk("p1"), bulk("p2")], Date.now());
  await queue.putBack(await fetchOne(queue));
  expect((await fetchOne(queue)).id).toBe("p1");
});

test("settling works although the job's lock is gone", async () => {
  const queue = await newQueue("lockless");
  await queue.add([bulk("l1"), bulk("l2"), bulk("l3")], Date.now());
  const fetched = [await fetchOne(queue), await fetchOne(queue), await fetchOne(queue)] as const;
  const locks = await redis.client().keys("*lockless*:lock");
  expect(locks).toHaveLength(3);
  await redis.client().del(...locks);
  await queue.complete(fetched[0]);
  await queue.defer(fetched[1], Date.now() + 60_000);
  await queue.bounce(fetched[2], "550 no");
  expect(await states(queue)).toEqual({ delivered: ["l1"], deferred: ["l2"], bounced: ["l3"] });
});

test("a job that a dead agent left active is reclaimed by the next one", async () => {
  const first = await newQueue("dead");
  await first.add([bulk("r1")], Date.now());
  await fetchOne(first);
  const second = await newQueue("dead");
  const active: string[] = [];
  await second.eachPage("active", async (ids, name) => {
    for (const id of ids) {
      active.push(id);
      await second.reclaim(id, name);
    }
  });
  expect(active).toEqual(["r1"]);
  expect((await fetchOne(second)).id).toBe("r1");
});

test("ids of every page of a state are seen", async () => {
  const queue = await newQueue();
  const ids = Array.from({ length: 2345 }, (_, n) => `page${n}x`);
  await queue.add(
    ids.map((id) => bulk(id)),
    Date.now(),
  );
  const seen: string[] = [];
  await queue.eachPage("incoming", (page) => void seen.push(...page));
  expect(seen.sort()).toEqual(ids.sort());
});

test("however often a message was active when its agent died, BullMQ never ends it", async () => {
  const queue = await newQueue();
  await queue.add([bulk("poison")], Date.now());
  for (let n = 0; n < 30; n++) {
    expect((await fetchOne(queue)).id).toBe("poison");
    await queue.reclaim("poison", "bulk");
  }
  for (let n = 0; n < 30; n++) await queue.defer(await fetchOne(queue), Date.now());
  expect((await fetchOne(queue)).id).toBe("poison");
});

test("one urgent message behind 50,000 bulk ones is counted and fetched at once", async () => {
  const queue = await newQueue();
  for (let page = 0; page < 50; page++)
    await queue.add(
      Array.from({ length: 1000 }, (_, n) => bulk(`many${page}x${n}`)),
      Date.now(),
    );
  await queue.add([{ id: "now", class: "urgent" }], Date.now());
  expect((await queue.due(Date.now())).waiting).toEqual({ urgent: 1, bulk: 50_000 });
  expect((await fetchOne(queue, "urgent")).id).toBe("now");
});

test("messages are counted by state, those held apart from those deferred, and the oldest that waits is known", async () => {
  const queue = await newQueue();
  const now = Date.now();
  expect(await queue.counts()).toEqual({ incoming: 0, active: 0, deferred: 0, held: 0, bounced: 0 });
  expect(await queue.oldest()).toBeUndefined();
  await queue.add(
    ["b1", "b2", "b3", "b4"].map((id) => bulk(id)),
    now,
  );
  await queue.add([bulk("a1", now + 60_000), bulk("c1", HELD_UNTIL_MS), { id: "u1", class: "urgent" }], now);
  expect(await queue.counts()).toEqual({ incoming: 5, active: 0, deferred: 1, held: 1, bounced: 0 });
  expect(await queue.oldest()).toBe("a1");
  await queue.remove("a1");
  await queue.bounce(await fetchOne(queue), "no");
  await queue.hold(await fetchOne(queue));
  await fetchOne(queue);
  expect(await queue.counts()).toEqual({ incoming: 2, active: 1, deferred: 0, held: 2, bounced: 1 });
  expect(await queue.oldest()).toBe("b2"); // held; b1 is bounced
});
