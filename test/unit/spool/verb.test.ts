import { expect, test } from "vitest";
import { failed } from "../../../src/schedule/verdict.ts";
import type { SpoolEntry, SpoolRecord } from "../../../src/spool/entry.ts";
import { messageState } from "../../../src/spool/state.ts";
import { makesSense, recordsFor, VERBS, type Verb } from "../../../src/spool/verb.ts";
import { address, entryFor } from "../../support/messages.ts";

const BOB = address("bob@example.org");
const AT = 5000;
const attempt = (code: number): SpoolRecord => ({
  at: 1000,
  event: "attempt",
  upstream: "u",
  session: "s",
  results: [failed(BOB, { stage: "rcpt", reply: { code, text: `${code} no` }, text: "no" })],
  ...(code < 500 ? { nextMs: 3_600_000 } : {}),
});
const HELD: SpoolRecord = { at: 2000, event: "held", reason: "wait for the dean" };
const GIVEN_UP: SpoolRecord = { at: 3000, event: "bounced", recipients: [BOB], reason: "out of date" };

const STATES: Readonly<Record<string, readonly SpoolRecord[]>> = {
  "never tried": [],
  deferred: [attempt(451)],
  held: [attempt(451), HELD],
  "refused by the upstream": [attempt(550)],
  "given up by an operator": [GIVEN_UP],
  "held, then given up": [HELD, GIVEN_UP],
};

function ask(
  verb: Exclude<Verb, "delete">,
  records: readonly SpoolRecord[],
  changes: Partial<SpoolEntry> = {},
) {
  const entry = entryFor("m", { timeMs: 0, ...changes });
  const asked = { entry, records, at: AT, hasAccount: (name: string) => name === "portal" };
  const decided = recordsFor(verb, asked);
  return "why" in decided ? decided.why : messageState(entry, [...records, ...decided.append]).kind;
}

test.each([
  ["retry", "never tried", "pending"],
  ["retry", "deferred", "pending"],
  ["retry", "held", "it is held (wait for the dean): release it"],
  ["retry", "refused by the upstream", "pending"],
  ["retry", "given up by an operator", "pending"],
  ["retry", "held, then given up", "pending"],
  ["hold", "never tried", "held"],
  ["hold", "deferred", "held"],
  ["hold", "held", "it is held already: wait for the dean"],
  ["hold", "refused by the upstream", "it was given up, nothing of it goes out: retry or delete it"],
  ["release", "never tried", "it is not held, it is waiting for its turn"],
  ["release", "held", "pending"],
  ["release", "refused by the upstream", "it is not held, it is bounced: retry it"],
  ["bounce", "never tried", "bounced"],
  ["bounce", "deferred", "bounced"],
  ["bounce", "held", "bounced"],
  ["bounce", "given up by an operator", "it was given up already: out of date"],
] as const)("%s of what is %s: %s", (verb, state, result) => {
  expect(ask(verb, STATES[state] ?? [])).toBe(result);
});

test("what is retried or released is due at once, and keeps what the upstream said of it", () => {
  const entry = entryFor("m", { timeMs: 0 });
  for (const [verb, state] of [
    ["retry", "deferred"],
    ["retry", "refused by the upstream"],
    ["release", "held"],
  ] as const) {
    const records = STATES[state] ?? [];
    const decided = recordsFor(verb, { entry, records, at: AT, hasAccount: () => true });
    if ("why" in decided) throw new Error(decided.why);
    expect(messageState(entry, [...records, ...decided.append])).toMatchObject({
      next: undefined,
      reason: expect.stringMatching(/^\d+ no$/),
    });
  }
});

test("each of the records that a verb asks for leaves a state that makes sense", () => {
  const entry = entryFor("m", { timeMs: 0 });
  const records = STATES["held, then given up"] ?? [];
  const decided = recordsFor("retry", { entry, records, at: AT, hasAccount: () => true });
  if ("why" in decided) throw new Error(decided.why);
  const kinds = decided.append.map((_, i) =>
    messageState(entry, [...records, ...decided.append.slice(0, i + 1)]),
  );
  expect(kinds.map(({ kind }) => kind)).toEqual(["bounced", "pending"]);
});

test("without an account nothing is let go, and the sentence says what to do", () => {
  const none = { account: null, why: "Sender a@b is not an allowed pair", hold: "no pair is known" };
  expect(ask("release", [], none)).toBe(
    "it has no account to go through (Sender a@b is not an allowed pair): add its sender to accounts[].senders or senders.rewrite, reload, then run sluice queue repolicy",
  );
  expect(ask("retry", [GIVEN_UP], none)).toMatch(/no account to go through/);
  expect(ask("bounce", [], none)).toBe("bounced");
  const gone = { account: "shop" };
  expect(ask("retry", [], gone)).toBe("its account shop is not in the config: put it back and reload");
  expect(ask("hold", [], gone)).toBe("held");
});

test("the operator's words stand in the record", () => {
  const entry = entryFor("m", { timeMs: 0 });
  const asked = { entry, records: [], at: AT, reason: "wrong list", hasAccount: () => true };
  expect(recordsFor("bounce", asked)).toEqual({
    append: [{ at: AT, event: "bounced", recipients: [BOB], reason: "wrong list" }],
  });
  expect(recordsFor("hold", asked)).toEqual({ append: [{ at: AT, event: "held", reason: "wrong list" }] });
  expect(VERBS).toHaveLength(5);
});

test("a verb makes sense for exactly the states that it is not refused for", () => {
  const verbs = VERBS.filter((verb) => verb !== "delete");
  for (const [name, records] of Object.entries(STATES)) {
    const { kind } = messageState(entryFor("m", { timeMs: 0 }), records);
    const done = verbs.filter((verb) => ["pending", "held", "bounced"].includes(ask(verb, records)));
    expect([name, verbs.filter((verb) => makesSense(verb, kind))]).toEqual([name, done]);
    expect(makesSense("delete", kind)).toBe(true);
  }
  expect(VERBS.some((verb) => makesSense(verb, "settled"))).toBe(false);
});
