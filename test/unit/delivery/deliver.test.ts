/** One attempt at one message: what is said, whom a failure blames, what becomes of the job. */
import { expect, test, vi } from "vitest";
import { type DeliverParts, deliver } from "../../../src/delivery/deliver.ts";
import type { Fact } from "../../../src/observe/facts.ts";
import type { Fetched } from "../../../src/queue/account-queue.ts";
import type { Verdict } from "../../../src/schedule/outcome.ts";
import type { Weight } from "../../../src/schedule/pace.ts";
import type { SpoolEntry } from "../../../src/spool/entry.ts";
import { messageState } from "../../../src/spool/state.ts";
import { Breaker } from "../../../src/upstream/breaker.ts";
import type { Session } from "../../../src/upstream/session.ts";
import { address, entryFor, WIRE } from "../../support/messages.ts";
import { testSpool } from "../../support/spool.ts";

const CHARGED_MS = Date.parse("2026-03-01T12:00:00Z");
const ok = { code: 250, text: "250 2.0.0 taken" };

/** Everything around `deliver` that is not the point: a queue and a session that note what was asked of them. */
async function setting(changes: Partial<SpoolEntry> = {}) {
  const { spool } = await testSpool();
  const id = spool.newId();
  await spool.accept(entryFor(id, changes), [WIRE]);
  const settled: string[] = [];
  const facts: Fact[] = [];
  const troubles: unknown[] = [];
  const session = { id: "s", upstream: "u", mails: 0, limits: { mailMax: 100, rcptMax: 100 } };
  const send = vi.fn(async ({ recipients }: { recipients: readonly string[] }) => {
    session.mails++;
    const results = recipients.map((recipient) => ({ recipient, status: "delivered" as const, reply: ok }));
    return { results, inDoubt: false, sessionLost: false };
  });
  const calls = Object.fromEntries(
    ["complete", "defer", "bounce", "hold", "putBack", "remove"].map((name) => [
      name,
      async () => void settled.push(name),
    ]),
  );
  const queue = { account: "portal", ...calls };
  const parts = {
    spool,
    queue,
    events: {
      fact: async (fact: Fact) => void facts.push(fact),
      report: (_: string, said: unknown) => void troubles.push(said),
    },
    retry: { firstMs: 60_000, maxMs: 3_600_000, expireAfterMs: 86_400_000 },
    now: Date.now,
    random: () => 0.5,
    ending: () => false,
    wasFinished: async () => false,
    maxRecipients: 100,
    pairBreaker: () => undefined,
    workedMs: () => 0,
    enqueue: ({ account }: SpoolEntry) => void settled.push(`enqueue for ${account}`),
    notices: { about: async () => {} },
    untold: {
      events: { fact: async (fact: Fact) => void facts.push(fact) },
      now: Date.now,
      gap: { fromMs: 0, toMs: 0 },
      told: new Set(),
    },
  } as unknown as DeliverParts;
  const fetched = { id, class: "bulk", known: true, job: {} } as unknown as Fetched;
  const charges: string[] = [];
  /** A charge, valid or not, that notes what becomes of it. */
  const chargeThat = (valid: () => boolean) => async (weight: Weight) => ({
    charge: {
      past: { ...weight, class: "bulk" as const, atMs: CHARGED_MS },
      valid,
      settle: () => void charges.push("settled"),
      refund: async () => void charges.push("refunded"),
    },
  });
  const work = { fetched, charge: chargeThat(() => true) };
  return {
    spool,
    id,
    parts,
    session: Object.assign(session, { send }) as unknown as Session,
    send,
    settled,
    facts,
    troubles,
    work,
    charges,
    chargeThat,
  };
}

test("what the upstream said is written down however long the disk is full, and the message is sent once", async () => {
  const { spool, parts, session, send, settled, facts, troubles, work } = await setting();
  const open = spool.open.bind(spool);
  let failures = 1;
  spool.open = async (id) => {
    const opened = await open(id);
    if (!opened.ok) return opened;
    const append = opened.message.append.bind(opened.message);
    opened.message.append = async (record) => {
      if (failures-- > 0)
        throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
      return append(record);
    };
    return opened;
  };
  expect(await deliver(parts, session, work)).toMatchObject({ mailSaid: true, blamed: undefined });
  expect(send).toHaveBeenCalledTimes(1);
  expect(troubles).toHaveLength(1);
  expect(settled).toEqual(["complete"]);
  expect(facts.map(({ event }) => event)).toEqual(["delivered", "finished"]);
  expect(await spool.ids()).toEqual([]);
});

test("a charge that grew too old is not used: the message goes back, nothing is said", async () => {
  const { parts, session, send, settled, work, charges, chargeThat } = await setting();
  const attempted = await deliver(parts, session, { ...work, charge: chargeThat(() => false) });
  expect(attempted).toMatchObject({ mailSaid: false });
  expect(send).not.toHaveBeenCalled();
  expect(settled).toEqual(["putBack"]);
  expect(charges).toEqual(["refunded"]);
});

test("a message that the budget has no room for yet goes back, and nothing is said", async () => {
  const { parts, session, send, settled, work } = await setting();
  const attempted = await deliver(parts, session, { ...work, charge: async () => ({ waitMs: 1000 }) });
  expect(attempted).toMatchObject({ mailSaid: false, blamed: undefined });
  expect(send).not.toHaveBeenCalled();
  expect(settled).toEqual(["putBack"]);
});

test("the first fact of an attempt says what was charged and when, and the charge is settled once that is told", async () => {
  const { parts, session, facts, work, charges } = await setting();
  const told = parts.events.fact;
  parts.events.fact = async (fact) => {
    if (fact.event === "delivered") expect(charges).toEqual([]);
    await told(fact);
  };
  await deliver(parts, session, work);
  expect(charges).toEqual(["settled"]);
  expect(facts[0]).toMatchObject({
    event: "delivered",
    charged: 1,
    charge: { recipients: 1, bytes: WIRE.length, class: "bulk", at: "2026-03-01T12:00:00.000Z" },
  });
});

test("a job without a file is completed when the journal knows the message, else it is alarmed and parked", async () => {
  const { spool, id, parts, session, settled, troubles, work } = await setting();
  await spool.remove(id);
  await deliver({ ...parts, wasFinished: async () => true }, session, work);
  expect(settled).toEqual(["complete"]);
  expect(troubles).toEqual([]);
  await deliver(parts, session, work);
  expect(settled).toEqual(["complete", "bounce"]);
  expect(troubles).toMatchObject([{ id, reason: "its spool file is gone" }]);
});

const refusedFor = (recipient: string, changes: Partial<Verdict>) => ({
  recipient,
  status: "failed" as const,
  failure: { stage: "rcpt" as const, reply: { code: 550, text: "550 words" }, text: "words" },
  verdict: { scope: "message", action: "defer", why: "because", ...changes } as Verdict,
});

test("a stopped pair's message is deferred until the next probe, and nothing is said", async () => {
  const { parts, session, send, settled, work, charges } = await setting();
  const breaker = new Breaker({ firstMs: 1000, maxMs: 1000 }, () => 0);
  breaker.trip("550 not you");
  expect(await deliver({ ...parts, pairBreaker: () => breaker }, session, work)).toMatchObject({
    mailSaid: false,
    deferred: true,
  });
  expect(send).not.toHaveBeenCalled();
  expect(settled).toEqual(["defer"]);
  expect(charges).toEqual([]); // it takes nothing of the hour's budget
});

test("a refused pair opens its breaker, blames nobody else, and its message waits for the breaker alone", async () => {
  const { id, spool, parts, session, send, settled, work } = await setting();
  send.mockImplementationOnce(async ({ recipients }) => {
    (session as unknown as { mails: number }).mails++;
    const results = recipients.map((one) => refusedFor(one, { scope: "pair" }));
    return { results: results as never[], inDoubt: false, sessionLost: false };
  });
  const breaker = new Breaker({ firstMs: 1000, maxMs: 1000 }, () => 0);
  const tried = { ...parts, pairBreaker: () => breaker };
  expect(await deliver(tried, session, work)).toMatchObject({ mailSaid: true, blamed: undefined });
  expect(breaker.state).toMatchObject({ name: "open", reason: "550 words (because)" });
  expect(settled).toEqual(["putBack"]);
  const opened = await spool.open(id);
  if (!opened.ok) throw new Error("gone");
  await using message = opened.message;
  expect(messageState(message.entry, message.records)).toMatchObject({ kind: "pending", next: undefined });
});

test("what is not worth a MAIL is not charged", async () => {
  const { parts, session, send, facts, work, charges } = await setting();
  send.mockImplementationOnce(async ({ recipients }) => ({
    results: recipients.map((one) => refusedFor(one, { scope: "message", action: "bounce" })) as never[],
    inDoubt: false,
    sessionLost: false,
  }));
  expect(await deliver(parts, session, work)).toMatchObject({ mailSaid: false });
  expect(facts).toMatchObject([{ event: "bounced", charged: 0 }]);
  expect(charges).toEqual(["refunded", "settled"]);
});

test("a message that is too old is given up after a failed attempt, and not when a breaker is to blame", async () => {
  for (const [scope, gone] of [
    ["message", true],
    ["session", true],
    ["pair", false],
    ["account", false],
    ["upstream", false],
  ] as const) {
    const { parts, session, send, facts, work } = await setting();
    send.mockImplementationOnce(async ({ recipients }) => {
      (session as unknown as { mails: number }).mails++;
      const results = recipients.map((one) => refusedFor(one, { scope }));
      return { results: results as never[], inDoubt: false, sessionLost: false };
    });
    const breaker = new Breaker({ firstMs: 1000, maxMs: 1000 }, () => 0);
    const retry = { ...parts.retry, expireAfterMs: 0 };
    await deliver({ ...parts, retry, pairBreaker: () => breaker }, session, work);
    expect([scope, facts.some(({ event }) => event === "expired")]).toEqual([scope, gone]);
  }
});

test("a message whose bytes the disk does not give is deferred with an alarm, and blames nobody", async () => {
  const { spool, id, parts, session, send, settled, troubles, work } = await setting();
  const open = spool.open.bind(spool);
  spool.open = async (id) => {
    const opened = await open(id);
    if (opened.ok) opened.message.wire = () => Promise.reject(new Error("EIO: i/o error, read"));
    return opened;
  };
  expect(await deliver(parts, session, work)).toMatchObject({ mailSaid: false, blamed: undefined });
  expect(send).not.toHaveBeenCalled();
  expect(settled).toEqual(["defer"]);
  expect(troubles).toMatchObject([{ id, reason: expect.stringContaining("EIO") }]);
});

test("a probe that tells nothing of its pair leaves it stopped, and the next one may start", async () => {
  const { parts, session, send, work } = await setting();
  let now = 0;
  const breaker = new Breaker({ firstMs: 1000, maxMs: 1000 }, () => now);
  breaker.trip("550 not you");
  now = 1000;
  send.mockImplementationOnce(async ({ recipients }) => {
    (session as unknown as { mails: number }).mails++;
    const results = recipients.map((one) => refusedFor(one, { action: "bounce" }));
    return { results: results as never[], inDoubt: false, sessionLost: false };
  });
  await deliver({ ...parts, pairBreaker: () => breaker }, session, work);
  expect(send).toHaveBeenCalledTimes(1);
  expect(breaker.state).toMatchObject({ name: "open", reason: "550 not you" });
  expect(breaker.admit()).toBe("probe");
});

test("a pair is stopped in the words of the reply that blames it, whoever was refused before", async () => {
  const [ann, bob] = [address("ann@example.org"), address("bob@example.org")];
  const envelope = { sender: address("app@lab.example"), recipients: [ann, bob] };
  const { parts, session, send, work } = await setting({ envelope });
  const failure = { stage: "dot", reply: { code: 550, text: "550 sender not authorized" }, text: "x" };
  send.mockImplementationOnce(async () => {
    (session as unknown as { mails: number }).mails++;
    const results = [refusedFor(ann, {}), { ...refusedFor(bob, { scope: "pair" }), failure }];
    return { results: results as never[], inDoubt: false, sessionLost: false };
  });
  const breaker = new Breaker({ firstMs: 1000, maxMs: 1000 }, () => 0);
  await deliver({ ...parts, pairBreaker: () => breaker }, session, work);
  expect(breaker.state).toMatchObject({ reason: "550 sender not authorized (because)" });
});

test("a message is as old as its pair could be worked for, however long sluice was switched off", async () => {
  for (const [workedMs, gone] of [
    [20_000, false], // a crash cut its clock short
    [30_000 + 86_400_000, true],
  ] as const) {
    const aWeekAgo = Date.now() - 7 * 86_400_000;
    const { parts, session, send, facts, work } = await setting({ timeMs: aWeekAgo, workedMs: 30_000 });
    send.mockImplementationOnce(async ({ recipients }) => ({
      results: recipients.map((one) => refusedFor(one, {})) as never[],
      inDoubt: false,
      sessionLost: false,
    }));
    await deliver({ ...parts, workedMs: () => workedMs }, session, work);
    expect(facts.some(({ event }) => event === "expired")).toBe(gone);
  }
});

test("a message that policy gave another account is not sent by the old one: its job goes to the other queue", async () => {
  const { parts, session, send, settled, work } = await setting({ account: "shop" });
  expect(await deliver(parts, session, work)).toMatchObject({ mailSaid: false, blamed: undefined });
  expect(send).not.toHaveBeenCalled();
  expect(settled).toEqual(["putBack", "remove", "enqueue for shop"]);
});
