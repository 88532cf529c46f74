import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { rescheduleDeferred } from "../../src/delivery/reschedule.ts";
import { Turnstile } from "../../src/delivery/turnstile.ts";
import { applyVerb, type VerbParts } from "../../src/delivery/verbs.ts";
import type { Fact } from "../../src/observe/facts.ts";
import { HELD_UNTIL_MS, type QueueState } from "../../src/queue/account-queue.ts";
import { Queues, UNASSIGNED } from "../../src/queue/queues.ts";
import { failed } from "../../src/schedule/verdict.ts";
import type { SpoolEntry, SpoolRecord } from "../../src/spool/entry.ts";
import { messageState } from "../../src/spool/state.ts";
import type { Verb } from "../../src/spool/verb.ts";
import { address, entryFor, WIRE } from "../support/messages.ts";
import { redisForTests } from "../support/redis.ts";
import { testSpool } from "../support/spool.ts";

const redis = redisForTests();
let made = 0;

const BOB = address("bob@example.org");
const HOUR_MS = 3_600_000;
const REFUSED: SpoolRecord = {
  at: Date.now(),
  event: "attempt",
  upstream: "u",
  session: "s",
  results: [failed(BOB, { stage: "rcpt", reply: { code: 550, text: "550 no" }, text: "no" })],
};
const LATER: SpoolRecord = {
  at: Date.now(),
  event: "attempt",
  upstream: "u",
  session: "s",
  results: [failed(BOB, { stage: "rcpt", reply: { code: 451, text: "451 later" }, text: "later" })],
  nextMs: Date.now() + HOUR_MS,
};

/** A spool, queues in Redis, and what `applyVerb` asks of its neighbours, noted. */
async function setting() {
  const { spool, folder } = await testSpool();
  const client = redis.client().duplicate();
  const queues = new Queues({
    redis: client,
    instance: `verbs${made++}`,
    accounts: ["portal"],
    onConnected: () => {},
    onTrouble: () => {},
  });
  await queues.open();
  onTestFinished(() => queues[Symbol.asyncDispose]());
  const facts: Fact[] = [];
  const events = { fact: async (fact: Fact) => void facts.push(fact), report: vi.fn() };
  const fetching = new Turnstile();
  const inHand = new Set<string>();
  const changing = new Turnstile();
  const neighbours = { about: vi.fn(async () => {}), probeNow: vi.fn(), wake: vi.fn(), recover: vi.fn() };
  const parts: VerbParts = {
    spool,
    queues,
    events,
    now: Date.now,
    inHand: (id) => inHand.has(id),
    whileNotFetching: (_account, work) => fetching.closedWhile(work),
    exclusively: (work) => changing.closedWhile(work),
    untold: { events, now: Date.now, gap: { fromMs: 0, toMs: 0 }, told: new Set<string>() },
    notices: { about: neighbours.about },
    hasAccount: (name) => name === "portal",
    probeNow: neighbours.probeNow,
    wake: neighbours.wake,
    recover: neighbours.recover,
  };
  const queue = queues.of("portal");

  /** Takes custody of a message with these records; its job is as after them. */
  async function message(
    records: readonly SpoolRecord[],
    changes: Partial<SpoolEntry> = {},
  ): Promise<string> {
    const id = spool.newId();
    const entry = entryFor(id, changes);
    await spool.accept(entry, [WIRE]);
    const opened = await spool.open(id);
    if (!opened.ok) throw new Error("not there");
    for (const record of records) await opened.message.append(record);
    await opened.message.close();
    const state = messageState(entry, records);
    const own = queues.of(entry.account);
    const dueMs =
      state.kind === "held" ? HELD_UNTIL_MS : state.kind === "pending" ? state.next?.dueMs : undefined;
    await own.add([{ id, class: "bulk", ...(dueMs === undefined ? {} : { dueMs }) }], Date.now());
    if (state.kind === "bounced") {
      const fetched = await own.fetch("bulk");
      if (fetched) await own.bounce(fetched, state.reason);
    }
    return id;
  }

  async function stateOf(id: string): Promise<string> {
    const opened = await spool.open(id);
    if (!opened.ok) return opened.why;
    await using found = opened.message;
    return messageState(found.entry, found.records).kind;
  }

  async function jobOf(id: string): Promise<QueueState | "held" | undefined> {
    const held = await queue.deferred(HELD_UNTIL_MS - HOUR_MS);
    if (held.some((job) => job.id === id)) return "held";
    for (const state of ["incoming", "active", "deferred", "bounced", "delivered"] as const) {
      let found = false;
      await queue.eachPage(state, (ids) => {
        found ||= ids.includes(id);
      });
      if (found) return state;
    }
    return undefined;
  }

  const apply = (verb: Verb, id: string, reason?: string) => applyVerb(parts, verb, id, reason);
  return {
    spool,
    folder,
    parts,
    queues,
    queue,
    facts,
    events,
    fetching,
    inHand,
    neighbours,
    message,
    stateOf,
    jobOf,
    apply,
  };
}

const HELD: SpoolRecord = { at: Date.now(), event: "held", reason: "wait" };
const STATES = { fresh: [], deferred: [LATER], held: [LATER, HELD], bounced: [REFUSED] } as const;

test.each([
  ["retry", "fresh", "incoming", "released"],
  ["retry", "deferred", "incoming", "released"],
  ["retry", "bounced", "incoming", "released"],
  ["hold", "fresh", "held", "held"],
  ["hold", "deferred", "held", "held"],
  ["release", "held", "incoming", "released"],
  ["bounce", "fresh", "incoming", "bounced"], // fetched, it is seen to be bounced
  ["bounce", "deferred", "incoming", "bounced"],
  ["bounce", "held", "incoming", "bounced"],
  ["delete", "fresh", undefined, "deleted"],
  ["delete", "deferred", undefined, "deleted"],
  ["delete", "held", undefined, "deleted"],
  ["delete", "bounced", undefined, "deleted"],
] as const)("%s of what is %s: its job is %s, and the fact %s is told", async (verb, from, job, fact) => {
  const { message, apply, jobOf, stateOf, facts, neighbours, spool } = await setting();
  const id = await message(STATES[from]);
  const is = { retry: "pending", hold: "held", release: "pending", bounce: "bounced", delete: "gone" }[verb];
  const was = from === "fresh" || from === "deferred" ? "pending" : from;
  expect(await apply(verb, id)).toEqual({ done: true, was, is });
  expect(await stateOf(id)).toBe(is);
  expect(await jobOf(id)).toBe(job);
  expect(facts).toMatchObject([
    { event: fact, id, account: "portal", sender: "app@lab.example", by: "operator" },
  ]);
  expect(neighbours.probeNow).toHaveBeenCalledTimes(verb === "retry" ? 1 : 0);
  expect(neighbours.about).toHaveBeenCalledTimes(verb === "bounce" ? 1 : 0);
  expect(spool.count).toBe(verb === "delete" ? 0 : 1);
});

test.each([
  ["retry", "held"],
  ["hold", "held"],
  ["hold", "bounced"],
  ["release", "fresh"],
  ["release", "bounced"],
  ["bounce", "bounced"],
] as const)("%s of what is %s is refused, and changes nothing", async (verb, from) => {
  const { message, apply, jobOf, stateOf, facts, neighbours } = await setting();
  const id = await message(STATES[from]);
  const before = { job: await jobOf(id), state: await stateOf(id) };
  expect(await apply(verb, id)).toMatchObject({ done: false, refused: "not possible" });
  expect({ job: await jobOf(id), state: await stateOf(id) }).toEqual(before);
  expect(facts).toEqual([]);
  expect(neighbours.wake).not.toHaveBeenCalled();
});

test("what is in a session is refused, and so is what a lane fetched while the verb waited", async () => {
  const { message, apply, fetching, inHand, stateOf } = await setting();
  const id = await message([]);
  inHand.add(id);
  expect(await apply("hold", id)).toMatchObject({ refused: "active" });
  inHand.clear();
  let fetched: () => void = () => {};
  const fetch = fetching.pass(async () => {
    await new Promise<void>((resolve) => {
      fetched = resolve;
    });
    inHand.add(id);
  });
  const held = apply("hold", id);
  await new Promise((resolve) => setImmediate(resolve));
  fetched();
  await fetch;
  expect(await held).toMatchObject({ refused: "active" });
  expect(await stateOf(id)).toBe("pending");
});

test("what is not there, or is delivered and about to go, is gone", async () => {
  const { message, apply, spool, facts } = await setting();
  const delivered: SpoolRecord = {
    ...REFUSED,
    results: [{ recipient: BOB, status: "delivered", reply: { code: 250, text: "250 ok" } }],
  };
  expect(await apply("retry", spool.newId())).toMatchObject({ refused: "gone" });
  expect(await apply("delete", "../../etc/passwd")).toMatchObject({ refused: "gone" });
  expect(await apply("delete", await message([delivered]))).toMatchObject({ refused: "gone" });
  expect(facts).toEqual([]);
});

test("a corrupt file can be deleted and nothing else; mended by hand, it is retried", async () => {
  const { message, apply, folder, jobOf, queue, spool } = await setting();
  const id = await message([]);
  const path = join(folder, id);
  const entry = entryFor(id);
  await writeFile(path, "no json\n");
  const fetched = await queue.fetch("bulk");
  if (fetched) await queue.bounce(fetched, "cannot be read"); // as a lane parks it
  for (const verb of ["retry", "hold", "release", "bounce"] as const) {
    expect(await apply(verb, id)).toEqual({
      done: false,
      refused: "not possible",
      why: "its spool file cannot be read: its first line is not JSON: mend the file and retry it, or delete the message",
    });
  }
  await writeFile(path, `${JSON.stringify({ v: 1, ...entry, wireBytes: WIRE.length })}\n`);
  await appendFile(path, WIRE);
  expect(await apply("retry", id)).toMatchObject({ done: true, was: "pending", is: "pending" });
  expect(await jobOf(id)).toBe("incoming");
  await writeFile(path, "no json again\n");
  expect(await apply("delete", id)).toEqual({ done: true, was: "unreadable", is: "gone" });
  expect([await spool.ids(), await jobOf(id)]).toEqual([[], undefined]);
});

test("mail without an account is not let go, and can be given up or deleted", async () => {
  const { message, apply, queues, facts } = await setting();
  const id = await message([], { account: null, hold: "no pair" });
  expect(await apply("release", id)).toMatchObject({ refused: "not possible" });
  expect(await apply("bounce", id, "nobody knows you")).toEqual({ done: true, was: "held", is: "bounced" });
  expect(await apply("retry", id)).toMatchObject({ refused: "not possible" });
  expect(facts).toMatchObject([{ event: "bounced", reason: "nobody knows you", recipients: [BOB] }]);
  expect(
    (
      await queues
        .all()
        .find(({ account }) => account === UNASSIGNED)
        ?.due(Date.now())
    )?.waiting,
  ).toEqual({ urgent: 0, bulk: 1 });
  expect(await apply("delete", id)).toMatchObject({ done: true, is: "gone" });
});

test("with Redis away the file is changed all the same, and recovery is asked to make the job follow", async () => {
  const { message, parts, queue, neighbours, stateOf, jobOf, spool, queues } = await setting();
  const id = await message(STATES.held);
  const away = {
    find: () => Object.assign(Object.create(queue), { remove: () => Promise.reject(new Error("away")) }),
  };
  const result = await applyVerb({ ...parts, queues: { ...away, all: () => [] } }, "release", id);
  expect(result).toEqual({ done: true, was: "held", is: "pending" });
  expect(neighbours.recover).toHaveBeenCalledTimes(1);
  expect([await stateOf(id), await jobOf(id)]).toEqual(["pending", "held"]);
  // What recovery does each time: the agent may have been killed before it was asked to.
  const moved = await rescheduleDeferred({ spool, queues, now: Date.now, stopped: () => false }, "held");
  expect([moved, await jobOf(id)]).toEqual([1, "deferred"]);
  expect((await queue.due(Date.now())).waiting.bulk).toBe(1);
});

test("a held job whose message was deleted or given up comes due, so that it can follow", async () => {
  const { message, spool, queues, queue } = await setting();
  const [deleted, bounced, held] = [await message([HELD]), await message([HELD]), await message([HELD])];
  await spool.remove(deleted);
  const opened = await spool.open(bounced);
  if (!opened.ok) throw new Error("not there");
  await opened.message.append({ at: Date.now(), event: "bounced", recipients: [BOB], reason: "no" });
  await opened.message.close();
  const parts = { spool, queues, now: Date.now, stopped: () => false };
  expect(await rescheduleDeferred(parts, "held")).toBe(2);
  expect((await queue.deferred(HELD_UNTIL_MS - HOUR_MS)).map(({ id }) => id)).toEqual([held]);
});

test("a notice that cannot be written does not undo the bounce, and is told", async () => {
  const { message, apply, neighbours, events, jobOf } = await setting();
  neighbours.about.mockRejectedValueOnce(new Error("ENOSPC"));
  const id = await message([]);
  expect(await apply("bounce", id)).toMatchObject({ done: true, is: "bounced" });
  expect(events.report).toHaveBeenCalledWith("trouble", expect.objectContaining({ id }), "error");
  expect(await jobOf(id)).toBe("incoming"); // the lane that meets it makes the notice
});

test("an attempt that was cut off after its final dot is told before anything is done", async () => {
  const { message, apply, facts } = await setting();
  const id = await message([{ at: Date.now(), event: "dot", upstream: "u", session: "s" }]);
  expect(await apply("delete", id)).toMatchObject({ done: true });
  expect(facts.map(({ event }) => event)).toEqual(["deferred", "deleted"]);
});
