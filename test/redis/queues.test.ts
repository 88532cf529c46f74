import { expect, onTestFinished, test } from "vitest";
import { instanceKey, Ownership } from "../../src/queue/ownership.ts";
import { Queues } from "../../src/queue/queues.ts";
import { redisForTests } from "../support/redis.ts";
import { until } from "../support/until.ts";

const LEASE_MS = 1500;
const redis = redisForTests();

/** Queues of `instance` in a Redis that others share; `next`: the ids that they take when they have to leave. */
function sharedQueues(instance: string, next: readonly string[]) {
  const client = redis.client().duplicate();
  const ids = [...next];
  const reasons: string[] = [];
  const ownership = new Ownership({
    redis: client,
    instance,
    place: "here",
    newInstance: async () => ids.shift() ?? "too many",
    onWaiting: () => {},
    onMoved: () => {},
    leaseMs: LEASE_MS,
  });
  const queues = new Queues({
    redis: client,
    instance,
    ownership,
    accounts: ["portal"],
    onConnected: (reason) => void reasons.push(reason),
    onTrouble: () => {},
  });
  onTestFinished(() => queues[Symbol.asyncDispose]());
  return { queues, reasons };
}

/** Somebody else has the lease, and keeps it. */
async function foreign(instance: string): Promise<void> {
  const write = () => redis.client().set(instanceKey(instance, "owner"), "elsewhere", "PX", LEASE_MS);
  await write();
  const timer = setInterval(() => void write(), LEASE_MS / 3);
  onTestFinished(() => clearInterval(timer));
}

const keysOf = (instance: string) => redis.client().keys(`*${instance}*`);

test("no queue of an instance is touched that somebody else works under", async () => {
  await foreign("cloned");
  const { queues } = sharedQueues("cloned", ["copy"]);
  await queues.open();
  expect(queues.instance).toBe("copy");
  await queues.of("portal").add([{ id: "m1", class: "bulk" }], Date.now());
  expect(await keysOf("cloned")).toEqual([instanceKey("cloned", "owner")]);
  expect((await queues.of("portal").fetch("bulk"))?.id).toBe("m1");
});

test("queues whose lease was lost go on under other names, for everyone who has them", async () => {
  const { queues, reasons } = sharedQueues("lost", ["found"]);
  await queues.open();
  const queue = queues.of("portal");
  await queue.add(
    [
      { id: "m1", class: "bulk" },
      { id: "m2", class: "bulk" },
    ],
    Date.now(),
  );
  const fetched = await queue.fetch("bulk");
  if (!fetched) throw new Error("nothing was due");
  await foreign("lost");
  await until("they moved", () => reasons.length > 0);
  expect(reasons).toEqual(["the queues have other names"]);
  expect(queues.instance).toBe("found");

  expect(await queue.fetch("bulk")).toBeUndefined();
  await expect(queue.complete(fetched)).rejects.toThrow("Cannot settle m1");
  await queue.add([{ id: "m1", class: "bulk" }], Date.now());
  const again = await queue.fetch("bulk");
  if (!again) throw new Error("nothing was due");
  await queue.complete(again);
  const done: string[] = [];
  await queue.eachPage("delivered", (ids) => void done.push(...ids));
  expect(done).toEqual(["m1"]);
});

test("a lease is kept for as long as the queues are open, and given back when they close", async () => {
  const { queues } = sharedQueues("kept", []);
  await queues.open();
  const key = instanceKey("kept", "owner");
  const leftMs = () => redis.client().pttl(key);
  let lastMs = await leftMs();
  let renewals = 0;
  await until("it was renewed for longer than it lasts", async () => {
    const nowMs = await leftMs();
    if (nowMs > lastMs) renewals++;
    lastMs = nowMs;
    return renewals > 3;
  });
  await redis.client().del(key); // as a flush does
  await until("it is there again", async () => (await redis.client().get(key)) === "here");
  await queues[Symbol.asyncDispose]();
  expect(await redis.client().exists(key)).toBe(0);
});
