import { beforeEach, expect, test } from "vitest";
import { Pacer, type PacerOptions } from "../../src/pacing/pacer.ts";
import {
  type Bucket,
  bucketsOf,
  costUs,
  type MessageClass,
  type Pace,
  type PastCharge,
  type Weight,
} from "../../src/schedule/pace.ts";
import { redisForTests } from "../support/redis.ts";

const redis = redisForTests();
const ONE: Weight = { recipients: 1, bytes: 1000 };
const LARGEST = 1_000_000;
let made = 0;

beforeEach(() => redis.client().flushall());

type Options = Partial<Extract<Pace, { kind: "paced" }>> &
  Partial<Pick<PacerOptions, "username" | "instance" | "shared">> & { charges?: PastCharge[] };

function newPacer({ username, instance, shared = false, charges = [], ...pace }: Options): Pacer {
  return new Pacer({
    redis: redis.client(),
    username: username ?? `user${made++}`,
    buckets: bucketsOf({ kind: "paced", perHour: 100, burst: 1, urgentShare: 0, ...pace }, LARGEST),
    instance: instance ?? `i${made++}`,
    shared,
    chargesOfLastHour: async () => charges,
    now: Date.now,
  });
}

/** What is charged, or undefined when it has to wait. */
async function charged(pacer: Pacer, name: MessageClass = "bulk", weight = ONE) {
  const answer = await pacer.charge(name, weight);
  return "charged" in answer ? answer.charged : undefined;
}

async function waitOf(pacer: Pacer, name: MessageClass = "bulk", weight = ONE): Promise<number> {
  const answer = await pacer.charge(name, weight);
  return "waitMs" in answer ? answer.waitMs : 0;
}

const past = (count: number, changes: Partial<PastCharge> = {}): PastCharge[] =>
  Array.from({ length: count }, () => ({ ...ONE, class: "bulk", atMs: Date.now(), ...changes }));

const messages = (cap: number, burst: number): Bucket => ({ measure: "messages", cap, burst });
const intervalMs = (cap: number, burst: number) => costUs(messages(cap, burst), ONE) / 1000;

test("after a quiet spell the burst may go at once, then one message each interval", async () => {
  const pacer = newPacer({ perHour: 100, burst: 5 });
  const next: number[] = [];
  for (let i = 0; i < 5; i++) {
    const answer = await pacer.charge("bulk", ONE);
    next.push("nextMs" in answer ? answer.nextMs : Number.NaN);
  }
  const interval = intervalMs(100, 5);
  expect(next.slice(0, 4)).toEqual([0, 0, 0, 0]);
  for (const wait of [next[4], await waitOf(pacer), await pacer.ask("bulk")]) {
    expect(wait).toBeGreaterThan(interval - 1000);
    expect(wait).toBeLessThanOrEqual(interval);
  }
});

test("asking charges nothing", async () => {
  const pacer = newPacer({ perHour: 10 });
  expect(await pacer.ask("bulk")).toBe(0);
  expect(await pacer.ask("bulk")).toBe(0);
  expect(await charged(pacer)).toBeDefined();
  expect(await pacer.ask("bulk")).toBeGreaterThan(0);
  expect(await pacer.used()).toBe(1);
});

test("all measures are charged, or none", async () => {
  const pacer = newPacer({ perHour: 100, burst: 5, recipientsPerHour: 1000, bytesPerHour: 10 * LARGEST });
  expect(await charged(pacer, "bulk", { recipients: 1, bytes: LARGEST })).toBeDefined();
  for (let i = 0; i < 10; i++)
    expect(await waitOf(pacer, "bulk", { recipients: 1, bytes: LARGEST })).not.toBe(0);
  for (let i = 0; i < 10; i++)
    expect(await waitOf(pacer, "bulk", { recipients: 100, bytes: LARGEST })).not.toBe(0);
  expect(await pacer.used()).toBe(1);
});

test("bulk mail leaves the urgent share alone, and urgent mail takes what it needs of the whole", async () => {
  const pacer = newPacer({ perHour: 10, burst: 6, urgentShare: 0.5 });
  const bulk: unknown[] = [];
  for (let i = 0; i < 6; i++) bulk.push(await charged(pacer));
  expect(bulk.filter((one) => one !== undefined)).toHaveLength(4); // 10 − 5, of which 1 cannot go at once
  const urgent: unknown[] = [];
  for (let i = 0; i < 6; i++) urgent.push(await charged(pacer, "urgent"));
  expect(urgent.filter((one) => one !== undefined)).toHaveLength(2);
});

test("hosts that use one credential share its budget", async () => {
  const username = "shared";
  const one = newPacer({ username });
  const other = newPacer({ username });
  expect(await charged(one)).toBeDefined();
  expect(await charged(other)).toBeUndefined();
  expect(await other.used()).toBe(1);
});

test("a charge that no MAIL followed is given back, less what leaked out meanwhile, and once", async () => {
  const pacer = newPacer({ perHour: 100 });
  const first = await charged(pacer);
  if (!first) throw new Error("no charge");
  await pacer.refund(first, 0);
  await pacer.refund(first, 0);
  const second = await charged(pacer);
  if (!second) throw new Error("nothing was given back");
  expect(await charged(pacer)).toBeUndefined(); // it was given back once
  await pacer.refund(second, intervalMs(100, 1));
  expect(await charged(pacer)).toBeUndefined(); // its time is over: there is nothing left of it to give back
  expect(await pacer.used()).toBe(0);
});

test("a bucket that is gone owes what the journal and the attempts under way say", async () => {
  const username = "lost";
  const remembering = newPacer({ perHour: 100, burst: 5, charges: past(5) });
  expect(await charged(remembering)).toBeUndefined();
  const partly = newPacer({ perHour: 100, burst: 5, charges: past(3), username });
  expect(await charged(partly)).toBeDefined();
  await redis.client().flushall();
  expect(await charged(partly)).toBeDefined();
  expect(await charged(partly)).toBeUndefined();
  expect(await redis.client().keys("*minutes*")).toHaveLength(1);
});

test("a first charge is not owed twice, not even when Redis lost everything just before it", async () => {
  const pacer = newPacer({ perHour: 10, burst: 2 });
  expect(await pacer.ask("bulk")).toBe(0);
  await redis.client().flushall();
  expect(await charged(pacer)).toBeDefined();
  expect(await charged(pacer)).toBeDefined();
  expect(await charged(pacer)).toBeUndefined();
});

test("a refund after a loss gives nothing back that was not charged there", async () => {
  const pacer = newPacer({ perHour: 10, burst: 3, charges: past(3) });
  const [before] = past(1);
  expect(await charged(pacer)).toBeUndefined();
  const open = newPacer({ perHour: 10, burst: 1 });
  const kept = await charged(open);
  await redis.client().flushall();
  await open.refund(kept ?? (before as PastCharge), 0);
  expect(await charged(open)).toBeDefined();
  expect(await charged(open)).toBeUndefined();
});

test("charges of long ago are paid off, and a bucket that came back older than the journal is mended", async () => {
  const rested = newPacer({ perHour: 100, burst: 5, charges: past(5, { atMs: Date.now() - 3_599_000 }) });
  expect(await charged(rested)).toBeDefined();
  const charges: PastCharge[] = [];
  const pacer = newPacer({ perHour: 100, burst: 5, charges });
  expect(await charged(pacer)).toBeDefined();
  charges.push(...past(5)); // Redis forgot these
  expect(await pacer.ask("bulk")).toBe(0);
  pacer.distrust();
  expect(await pacer.ask("bulk")).toBeGreaterThan(0);
});

test("a clock that was set back leaves charges in the future, and they hold nothing up for longer than a burst", async () => {
  const tomorrow = Date.now() + 86_400_000;
  const pacer = newPacer({ perHour: 100, burst: 5, charges: past(5, { atMs: tomorrow }) });
  const waitMs = await waitOf(pacer);
  expect(waitMs).toBeGreaterThan(0);
  expect(waitMs).toBeLessThanOrEqual(Math.ceil(intervalMs(100, 5)));
});

test("where hosts share, a budget that is missing counts as used up for all of them, whatever they know", async () => {
  const username = "fleet";
  const idle = newPacer({ username, shared: true, perHour: 100, burst: 5 });
  expect(await charged(idle)).toBeUndefined();
  await redis.client().flushall();
  const other = newPacer({ username, shared: true, perHour: 100, burst: 5 });
  expect(await charged(other)).toBeUndefined();
});

test("where hosts share, one that joins a budget that is known owes nothing for that", async () => {
  const username = "joined";
  const client = redis.client();
  const first = newPacer({ username, shared: true, perHour: 100, burst: 5 });
  await first.ask("bulk");
  const [key] = await client.keys("*pace*");
  await client.hset(key as string, "t:messages", "0"); // it has rested since
  const joins = newPacer({ username, shared: true, perHour: 100, burst: 5 });
  expect(await charged(joins)).toBeDefined();
  await client.hset(key as string, "run", "another run of Redis");
  const restarted = newPacer({ username, shared: true, perHour: 100, burst: 5 });
  expect(await charged(restarted)).toBeUndefined();
});

test("a measure that is new in the config is looked up in the journal too", async () => {
  const username = "grown";
  const before = newPacer({ username, perHour: 100, burst: 5 });
  expect(await charged(before)).toBeDefined();
  const charges = past(1, { recipients: 100 });
  const after = newPacer({ username, perHour: 100, burst: 5, recipientsPerHour: 200, charges });
  expect(await charged(after, "bulk", { recipients: 100, bytes: 1 })).toBeUndefined();
});

test("a message that is larger than the burst goes once the bucket was empty for long enough, and nothing smaller passes it", async () => {
  const username = "large";
  const weight = { recipients: 1, bytes: 3 * LARGEST };
  const one = newPacer({ username, perHour: 1000, burst: 100, bytesPerHour: 4 * LARGEST, instance: "a" });
  const other = newPacer({ username, perHour: 1000, burst: 100, bytesPerHour: 4 * LARGEST, instance: "b" });
  expect(await charged(other)).toBeDefined();
  const waitMs = await waitOf(one, "bulk", weight);
  expect(waitMs).toBeGreaterThan(2_390_000); // two thirds of 3605 s
  expect(await waitOf(other)).toBeGreaterThan(waitMs - 1000);
  expect(await charged(other, "urgent")).toBeDefined(); // urgent mail waits for no bulk mail
});

test("a message that is larger than all of the hour's bytes goes when nothing was sent for an hour", async () => {
  const username = "larger";
  const pacer = newPacer({ username, perHour: 1000, burst: 100, bytesPerHour: 4 * LARGEST });
  const weight = { recipients: 1, bytes: 40 * LARGEST };
  expect(await waitOf(pacer, "bulk", weight)).toBeLessThanOrEqual(3_605_000);
  const [key = ""] = (await redis.client().keys("*pace*")).filter((one) => !one.endsWith(":minutes"));
  const measure = Number(await redis.client().hget(key, "t:bytes"));
  await redis.client().hset(key, "t:bytes", String(measure - 3605e6));
  expect(await charged(pacer, "bulk", weight)).toBeDefined();
});

test("bulk mail of other hosts does not take what a refused urgent message waits for", async () => {
  const username = "urgent first";
  const one = newPacer({ username, perHour: 100, instance: "a" });
  const other = newPacer({ username, perHour: 100, instance: "b" });
  expect(await charged(other)).toBeDefined();
  expect(await one.ask("urgent")).toBeGreaterThan(0);
  const client = redis.client();
  const keys = await client.keys("*pace*");
  for (const key of keys.filter((name) => !name.endsWith(":minutes"))) {
    const nowUs = Date.now() * 1000;
    if ((await client.hget(key, "claim:urgent")) === null) continue;
    await client.hset(key, "t:messages", "0", "claim:urgent", `${nowUs} a`); // its time has come
  }
  expect(await waitOf(other)).toBeLessThan(100);
  expect(await charged(one, "urgent")).toBeDefined();
  expect(await waitOf(other)).toBeGreaterThan(30_000);
});

test("an unlimited pace asks nobody", async () => {
  const pacer = new Pacer({
    redis: undefined as never,
    username: "u",
    buckets: [],
    instance: "i",
    shared: true,
    chargesOfLastHour: () => Promise.reject(new Error("asked")),
    now: Date.now,
  });
  expect(await pacer.ask("bulk")).toBe(0);
  const taken = await charged(pacer);
  if (!taken) throw new Error("no charge");
  await pacer.refund(taken, 0);
});

test("when Redis does not answer, every call rejects, and what may have been charged is owed afterwards", async () => {
  const client = redis.client();
  let down = false;
  const fails = new Proxy(client, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        const answer: unknown = await value.apply(target, args);
        if (down) throw new Error("the reply was lost");
        return answer;
      };
    },
  });
  const pacer = new Pacer({
    redis: fails,
    username: "away",
    buckets: [messages(10, 2)],
    instance: "i",
    shared: false,
    chargesOfLastHour: async () => [],
    now: Date.now,
  });
  expect(await pacer.ask("bulk")).toBe(0);
  down = true;
  await expect(pacer.charge("bulk", ONE)).rejects.toThrow("the reply was lost");
  await expect(pacer.ask("bulk")).rejects.toThrow("the reply was lost");
  down = false;
  await client.flushall();
  pacer.distrust();
  expect(await charged(pacer)).toBeDefined();
  expect(await charged(pacer)).toBeUndefined();
});

test("a larger burst, in a Redis that hosts share, is not there at once: nobody here knows what the others sent", async () => {
  const hosts = { username: "rollout", shared: true, perHour: 100 };
  const before = newPacer({ ...hosts, burst: 2 });
  await before.ask("bulk");
  const after = newPacer({ ...hosts, burst: 50 });
  expect(await charged(after)).toBeUndefined();
  expect(await waitOf(newPacer({ ...hosts, burst: 50 }))).toBeLessThanOrEqual(intervalMs(100, 50));
});
