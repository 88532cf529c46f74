/** What the page offers to do is what the agent would do. */
import { expect, test } from "vitest";
import type { QueueRow } from "../../../../src/control/queue-view.ts";
import type { Address } from "../../../../src/mail/address.ts";
import type { SpoolEntry, SpoolRecord } from "../../../../src/spool/entry.ts";
import { recordsFor, VERBS } from "../../../../src/spool/verb.ts";
import { QUESTIONS, verbsFor } from "../../../../src/web/page/verbs.ts";

const entry = {
  account: "portal",
  envelope: { sender: "portal@lab.example" as Address, recipients: ["dean@lab.example" as Address] },
} as unknown as SpoolEntry;
const given: SpoolRecord = { at: 1, event: "bounced", recipients: entry.envelope.recipients, reason: "no" };
const parked: SpoolRecord = { at: 1, event: "held", reason: "wait" };

const row = (state: QueueRow["state"], more: Partial<QueueRow> = {}) =>
  ({ state, reason: null, nextAttempt: null, ...more }) as QueueRow;

test.each([
  ["incoming", row("incoming"), []],
  ["deferred", row("deferred"), []],
  ["held", row("held", { reason: "wait" }), [parked]],
  ["held while its pair is stopped", row("held", { reason: "its pair is stopped: 550" }), []],
  ["held until the next probe of its pair", row("held", { nextAttempt: "2026-11-24T14:26:40Z" }), []],
  ["bounced", row("bounced"), [given]],
] as const)("a message that is %s is offered exactly what the agent does", (_, shown, records) => {
  const asked = { entry, records, at: 2, hasAccount: () => true };
  const does = VERBS.filter((verb) => verb === "delete" || "append" in recordsFor(verb, asked));
  expect([...verbsFor(shown)].sort()).toEqual([...does].sort());
});

test("nothing is offered while it is in a session, and only hold and bounce take a reason", () => {
  expect(verbsFor(row("active"))).toEqual([]);
  expect(VERBS.filter((verb) => QUESTIONS[verb].reason !== undefined)).toEqual(["hold", "bounce"]);
  expect(VERBS.filter((verb) => QUESTIONS[verb].isFinal)).toEqual(["delete"]);
});
