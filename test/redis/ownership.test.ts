import { expect, onTestFinished, test } from "vitest";
import { instanceKey, Ownership, type OwnershipOptions } from "../../src/queue/ownership.ts";
import { redisForTests } from "../support/redis.ts";
import { until } from "../support/until.ts";

const LEASE_MS = 1500;
const redis = redisForTests();
let made = 0;

/** One that works "here", with what it told. */
function ownership(options: Partial<OwnershipOptions> = {}) {
  const told = { waiting: [] as string[], moved: [] as string[] };
  const one = new Ownership({
    redis: redis.client(),
    instance: newId(),
    place: "here",
    newInstance: async () => newId(),
    onWaiting: (reason) => void told.waiting.push(reason),
    onMoved: (reason) => void told.moved.push(reason),
    leaseMs: LEASE_MS,
    ...options,
  });
  return Object.assign(one, { told });
}

function newId(): string {
  return `instance${made++}`;
}

/** Renews as a running agent does, until the test ends or it is told to stop. */
function alive(one: Ownership): () => void {
  const timer = setInterval(() => void one.renew(), one.renewMs);
  onTestFinished(() => clearInterval(timer));
  return () => clearInterval(timer);
}

const holder = (instance: string) => redis.client().get(instanceKey(instance, "owner"));

test("the lease of an instance that nobody has is taken at once, for a limited time", async () => {
  const one = ownership();
  const { instance } = one;
  await one.take();
  expect(one.instance).toBe(instance);
  expect(await holder(instance)).toBe("here");
  const leftMs = await redis.client().pttl(instanceKey(instance, "owner"));
  expect(leftMs).toBeGreaterThan(0);
  expect(leftMs).toBeLessThanOrEqual(LEASE_MS);
  expect(one.told).toEqual({ waiting: [], moved: [] });
});

test("a killed run of the same place is succeeded at once, without waiting", async () => {
  const killed = ownership();
  await killed.take();
  const next = ownership({ instance: killed.instance });
  await next.take();
  expect(next.instance).toBe(killed.instance);
  expect(next.told).toEqual({ waiting: [], moved: [] });
});

test("a holder elsewhere that is dead is waited for, and its id taken when its lease has ended", async () => {
  const dead = ownership({ place: "before the reboot" });
  await dead.take();
  const next = ownership({ instance: dead.instance });
  await next.take();
  expect(next.instance).toBe(dead.instance);
  expect(await holder(dead.instance)).toBe("here");
  expect(next.told).toMatchObject({ waiting: [expect.stringContaining("at most 2 s")], moved: [] });
});

test("a holder elsewhere that lives keeps its id, and the copy takes another", async () => {
  const original = ownership({ place: "elsewhere" });
  await original.take();
  alive(original);
  const copy = ownership({ instance: original.instance });
  await copy.take();
  expect(copy.instance).not.toBe(original.instance);
  expect(await holder(original.instance)).toBe("elsewhere");
  expect(await holder(copy.instance)).toBe("here");
  expect(copy.told.moved).toMatchObject([expect.stringContaining(`instance id ${original.instance} in`)]);
  await original.renew();
  expect(original.told).toEqual({ waiting: [], moved: [] });
});

test("of many copies that wait for the same dead holder one gets its id, the others new ones", async () => {
  const dead = ownership({ place: "dead" });
  await dead.take();
  const copies = Array.from({ length: 5 }, (_, n) =>
    ownership({ instance: dead.instance, place: `copy ${n}` }),
  );
  await Promise.all(copies.map((copy) => copy.take().then(() => alive(copy))));
  expect(new Set(copies.map(({ instance }) => instance)).size).toBe(5);
  expect(copies.filter(({ instance }) => instance === dead.instance)).toHaveLength(1);
});

test("a lease without an end is not waited for longer than one", async () => {
  const one = ownership();
  const { instance } = one;
  await redis.client().set(instanceKey(instance, "owner"), "somebody");
  await one.take();
  expect(one.instance).not.toBe(instance);
  expect(await holder(instance)).toBe("somebody");
});

test("a lease that is renewed does not end; one that is given back is free at once", async () => {
  const one = ownership();
  await one.take();
  const stop = alive(one);
  const copy = ownership({ instance: one.instance, place: "elsewhere" });
  await copy.take();
  expect(copy.instance).not.toBe(one.instance);
  stop();
  await one.release();
  expect(await holder(one.instance)).toBeNull();
  const later = ownership({ instance: one.instance, place: "elsewhere" });
  await later.take();
  expect(later.told).toEqual({ waiting: [], moved: [] });
});

test("only our own lease is given back", async () => {
  const one = ownership();
  await one.take();
  await redis.client().set(instanceKey(one.instance, "owner"), "elsewhere", "PX", LEASE_MS);
  await one.release();
  expect(await holder(one.instance)).toBe("elsewhere");
});

test("a Redis that was flushed gets the lease again at the next renewal", async () => {
  const one = ownership();
  const { instance } = one;
  await one.take();
  await redis.client().del(instanceKey(instance, "owner"));
  await one.renew();
  expect(one.instance).toBe(instance);
  expect(await holder(instance)).toBe("here");
  expect(one.told).toEqual({ waiting: [], moved: [] });
});

test("who finds somebody else's token when it renews leaves at once, and the one who stays looks again", async () => {
  const one = ownership();
  const { instance } = one;
  await one.take();
  const client = redis.client();
  await client.set(instanceKey(instance, "recovered"), "1");
  await client.set(instanceKey(instance, "owner"), "elsewhere", "PX", LEASE_MS);
  await one.renew();
  expect(one.instance).not.toBe(instance);
  expect(await holder(instance)).toBe("elsewhere");
  expect(await holder(one.instance)).toBe("here");
  expect(await client.exists(instanceKey(instance, "recovered"))).toBe(0);
  expect(one.told.moved).toHaveLength(1);
});

test("a lease is renewed in a Redis that is full", async () => {
  const one = ownership();
  await one.take();
  const client = redis.client();
  await client.config("SET", "maxmemory", "1");
  onTestFinished(async () => void (await client.config("SET", "maxmemory", "0")));
  await expect(client.set("more", "1")).rejects.toThrow("OOM");
  const leftMs = () => client.pttl(instanceKey(one.instance, "owner"));
  await until("half of it is over", async () => (await leftMs()) < LEASE_MS / 2);
  await one.renew();
  expect(await leftMs()).toBeGreaterThan(LEASE_MS / 2);
});

test("an id that cannot be written down is tried again later, and the lease stays with who has it", async () => {
  let full = true;
  const newInstance = async () => {
    if (full) throw new Error("ENOSPC");
    return newId();
  };
  const one = ownership({ newInstance });
  const { instance } = one;
  await redis.client().set(instanceKey(instance, "owner"), "elsewhere");
  await expect(one.renew()).rejects.toThrow("ENOSPC");
  expect(one.instance).toBe(instance);
  full = false;
  await one.renew();
  expect(one.instance).not.toBe(instance);
  expect(await holder(instance)).toBe("elsewhere");
});
