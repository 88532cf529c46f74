import { expect, test } from "vitest";
import { tellUntold, type UntoldParts } from "../../../src/delivery/untold.ts";
import type { Fact } from "../../../src/observe/facts.ts";
import { failed } from "../../../src/schedule/verdict.ts";
import type { SpoolRecord } from "../../../src/spool/entry.ts";
import { address, entryFor, WIRE } from "../../support/messages.ts";
import { testSpool } from "../../support/spool.ts";

const bob = address("bob@example.org");
const taken = { recipient: bob, status: "delivered" as const, reply: { code: 250, text: "250 taken" } };
const attempt = (
  at: number,
  results: (typeof taken | ReturnType<typeof failed>)[] = [taken],
): SpoolRecord => ({
  at,
  event: "attempt",
  upstream: "u",
  session: "s",
  results,
});
const dot: SpoolRecord = { at: 5000, event: "dot", upstream: "u", session: "s" };

/** What is told of a message with these records, when the last run's journal ended at 5000 and this one began at 9000. */
async function told(records: SpoolRecord[], known = false) {
  const { spool } = await testSpool();
  const id = spool.newId();
  await spool.accept(entryFor(id), [WIRE]);
  const opened = await spool.open(id);
  if (!opened.ok) throw new Error("gone");
  await using message = opened.message;
  for (const record of records) await message.append(record);
  const facts: Fact[] = [];
  const parts: UntoldParts = {
    events: { fact: async (fact) => void facts.push(fact) },
    now: () => 10_000,
    gap: { fromMs: 5000, toMs: 9000 },
    told: new Set(known ? [`${id} s`, `${id} expired`] : []),
  };
  await tellUntold(parts, message);
  const first = facts.length;
  await tellUntold(parts, message);
  expect(facts).toHaveLength(first); // told once
  return { facts, id, records: message.records };
}

test("an attempt that was cut off after its dot is told as in doubt, charged, and written down as one", async () => {
  const { facts, id, records } = await told([dot]);
  expect(facts).toMatchObject([
    { event: "deferred", id, inDoubt: true, charged: 1, recipients: [bob], session: "s" },
  ]);
  expect(records.at(-1)).toMatchObject({ event: "attempt", results: [], inDoubt: true });
});

test("an outcome that the journal does not have is told, with its charge", async () => {
  const { facts, id } = await told([dot, attempt(5001)]);
  expect(facts).toMatchObject([{ event: "delivered", id, charged: 1, reply: { code: 250 } }]);
  const refusal = failed(bob, { stage: "rcpt", reply: { code: 550, text: "550 no" }, text: "no" });
  expect((await told([dot, attempt(5001, [refusal])])).facts).toMatchObject([{ event: "bounced" }]);
});

test("what the journal has is not told again, nor what is older than its end, or of this run", async () => {
  expect((await told([attempt(5001)], true)).facts).toEqual([]);
  expect((await told([attempt(-6000)])).facts).toEqual([]);
  expect((await told([attempt(9000)])).facts).toEqual([]);
  expect((await told([])).facts).toEqual([]);
});

test("an expiry, and what an operator did, are told too", async () => {
  const expired: SpoolRecord = { at: 5001, event: "expired", recipients: [bob], reason: "too old" };
  expect((await told([expired])).facts).toMatchObject([{ event: "expired", reason: "too old" }]);
  expect((await told([expired], true)).facts).toEqual([]);
  expect((await told([{ at: 5001, event: "held", reason: "look" }])).facts).toMatchObject([
    { event: "held" },
  ]);
});

test("what could not even be said to the upstream was not charged", async () => {
  const tooBig = failed(bob, { stage: "mail", cause: "TOOBIG", text: "too big" });
  expect((await told([attempt(5001, [tooBig])])).facts).toMatchObject([{ event: "bounced", charged: 0 }]);
});
