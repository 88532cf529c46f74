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
  const asked: unknown[] = [];
  const parts: UntoldParts = {
    events: { fact: async (fact) => void facts.push(fact) },
    now: () => 10_000,
    gap: { fromMs: 5000, toMs: 9000 },
    wasTold: async (attempt) => {
      asked.push(attempt);
      return known;
    },
  };
  await tellUntold(parts, message);
  const first = facts.length;
  await tellUntold({ ...parts, wasTold: async () => true }, message);
  expect(facts).toHaveLength(first); // told once
  return { facts, asked, id, records: message.records };
}

test("an attempt that was cut off after its dot is told as in doubt, charged, and written down as one", async () => {
  const { facts, id, records } = await told([dot]);
  expect(facts).toMatchObject([
    { event: "deferred", id, inDoubt: true, charged: 1, recipients: [bob], session: "s" },
  ]);
  expect(records.at(-1)).toMatchObject({ event: "attempt", results: [], inDoubt: true });
});

test("an outcome that the journal does not have is told, with its charge", async () => {
  const { facts, asked, id } = await told([dot, attempt(5001)]);
  expect(facts).toMatchObject([{ event: "delivered", id, charged: 1, reply: { code: 250 } }]);
  expect(asked).toEqual([{ id, session: "s", atMs: 5001 }]);
  const refusal = failed(bob, { stage: "rcpt", reply: { code: 550, text: "550 no" }, text: "no" });
  expect((await told([dot, attempt(5001, [refusal])])).facts).toMatchObject([{ event: "bounced" }]);
});

test("what the journal has is not told again; what is older than its end, or of this run, is not even looked up", async () => {
  expect((await told([attempt(5001)], true)).facts).toEqual([]);
  const old = await told([attempt(-6000)]);
  const ours = await told([attempt(9000)]);
  expect([old.asked, old.facts, ours.asked, ours.facts]).toEqual([[], [], [], []]);
  expect((await told([])).facts).toEqual([]);
});
