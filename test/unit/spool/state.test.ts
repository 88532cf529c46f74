import { expect, test } from "vitest";
import type { Failure, RecipientResult } from "../../../src/schedule/outcome.ts";
import { failed } from "../../../src/schedule/verdict.ts";
import type { SpoolRecord } from "../../../src/spool/entry.ts";
import { dueMs, interruptedAttempt, messageState, unnoticed, waits } from "../../../src/spool/state.ts";
import { address, entryFor } from "../../support/messages.ts";

const [ann, bob] = [address("ann@example.org"), address("bob@example.org")];
const entry = entryFor("1", { envelope: { sender: address("a@lab.example"), recipients: [ann, bob] } });
const said = (code: number): Failure => ({
  stage: "rcpt",
  reply: { code, text: `${code} words` },
  text: "refused",
});
const ok = (recipient: typeof ann): RecipientResult => ({
  recipient,
  status: "delivered",
  reply: { code: 250, text: "250 ok" },
});
const attempt = (at: number, results: RecipientResult[], nextMs?: number): SpoolRecord => ({
  at,
  event: "attempt",
  upstream: "u",
  session: "s",
  results,
  ...(nextMs === undefined ? {} : { nextMs }),
});

test("a fresh message is pending, at once", () => {
  expect(messageState(entry, [])).toMatchObject({ kind: "pending", next: undefined, reason: undefined });
});

test("a deferred one waits for its time, with the upstream's words as the reason", () => {
  const state = messageState(entry, [attempt(5, [ok(ann), failed(bob, said(451))], 99)]);
  expect(state).toMatchObject({ kind: "pending", next: { dueMs: 99, waitMs: 94 }, reason: "451 words" });
  expect(state.ledger.pending).toEqual([bob]);
});

test("all delivered is settled; somebody given up is bounced", () => {
  expect(messageState(entry, [attempt(5, [ok(ann)]), attempt(6, [ok(bob)])]).kind).toBe("settled");
  const bounced = messageState(entry, [attempt(5, [ok(ann), failed(bob, said(550))])]);
  expect(bounced).toMatchObject({ kind: "bounced", reason: "550 words", atMs: 5 });
});

test("given up by age is bounced too", () => {
  const state = messageState(entry, [
    attempt(5, [ok(ann), failed(bob, said(451))], 9),
    { at: 10, event: "expired", recipients: [bob], reason: "too old" },
  ]);
  expect(state).toMatchObject({ kind: "bounced", reason: "too old", atMs: 10 });
});

test("held by policy or by an operator until released", () => {
  const held = entryFor("1", { hold: "no pair" });
  expect(messageState(held, [])).toMatchObject({ kind: "held", reason: "no pair" });
  expect(messageState(held, [{ at: 1, event: "released" }]).kind).toBe("pending");
  expect(messageState(entry, [{ at: 1, event: "held", reason: "look" }])).toMatchObject({
    kind: "held",
    reason: "look",
  });
});

const route = { account: "portal", envelope: ann, from: ann, class: "bulk" as const };
const repolicied = (at: number, hold?: string): SpoolRecord => ({
  at,
  event: "repolicied",
  was: route,
  now: route,
  rule: "senders.unknown",
  why: "no pair",
  ...(hold === undefined ? {} : { hold }),
});
const HELD: SpoolRecord = { at: 1, event: "held", reason: "look" };
const RELEASED: SpoolRecord = { at: 2, event: "released" };

test.each([
  ["what policy parks later is held", [repolicied(3, "no pair")], "no pair"],
  ["what policy lets go is pending", [repolicied(3, "no pair"), repolicied(4)], undefined],
  ["what an operator holds stays held when policy lets it go", [HELD, repolicied(3)], "look"],
  ["what both hold is held in the operator's words", [HELD, repolicied(3, "no pair")], "look"],
  [
    "a release before it does not count against policy",
    [HELD, RELEASED, repolicied(3, "no pair")],
    "no pair",
  ],
  [
    "held by both, then let go by policy, it is the operator's",
    [HELD, repolicied(3, "no pair"), repolicied(4)],
    "look",
  ],
] as const)("%s", (_, records, reason) => {
  const state = messageState(entry, records);
  expect(state.kind).toBe(reason === undefined ? "pending" : "held");
  expect(state).toMatchObject({ reason });
});

test("policy run again gives what bounced no other age, and a deferral keeps its time", () => {
  const given = attempt(5, [ok(ann), failed(bob, said(550))]);
  expect(messageState(entry, [given, repolicied(9)])).toMatchObject({ kind: "bounced", atMs: 5 });
  const deferred = attempt(5, [failed(ann, said(451)), failed(bob, said(451))], 99);
  expect(messageState(entry, [deferred, repolicied(9)])).toMatchObject({
    kind: "pending",
    next: { dueMs: 99, waitMs: 94 },
  });
});

test("an operator's retry makes a bounced message pending again, at once", () => {
  const records: SpoolRecord[] = [attempt(5, [ok(ann), failed(bob, said(550))]), { at: 6, event: "retried" }];
  const state = messageState(entry, records);
  expect(state).toMatchObject({ kind: "pending", next: undefined, reason: "550 words" });
  expect(state.ledger.pending).toEqual([bob]);
});

test("a message is due at its time, at once without one, and never later than its wait from now", () => {
  const due = (nowMs: number) => dueMs({ next: { dueMs: 160, waitMs: 60 } }, nowMs);
  expect(dueMs({ next: undefined }, 7)).toBe(7);
  expect([due(100), due(130), due(200)]).toEqual([160, 160, 160]);
  expect(due(-86_400_000)).toBe(-86_399_940); // the clock was a day ahead when it was written
});

test("a job that comes due early waits for the time in the file, but not for one that no wait explains", () => {
  const next = { dueMs: 160, waitMs: 60 };
  expect([99, 100, 159, 160, 200].map((nowMs) => waits({ next }, nowMs))).toEqual([
    false, // written while the clock was ahead
    true,
    true,
    false,
    false,
  ]);
  expect(waits({ next: undefined }, 7)).toBe(false);
});

test("an attempt whose dot was about to be said, and whose outcome is not there, is in doubt", () => {
  const dot: SpoolRecord = { at: 4, event: "dot", upstream: "u", session: "s" };
  expect(interruptedAttempt([])).toBeUndefined();
  expect(interruptedAttempt([dot])).toBe(dot);
  expect(interruptedAttempt([dot, attempt(5, [failed(bob, said(451))])])).toBeUndefined();
  expect(interruptedAttempt([dot, attempt(5, []), { ...dot, at: 6 }])).toMatchObject({ at: 6 });
});

test("who was given up is owed one notice; given up again after a retry, another", () => {
  const owed = (records: SpoolRecord[]) =>
    unnoticed(messageState(entry, records).ledger, records).map(({ recipient }) => recipient);
  const bounce = attempt(5, [failed(ann, said(550)), failed(bob, said(550))]);
  const noticed: SpoolRecord = { at: 5, event: "noticed", kind: "failure", id: "n", recipients: [ann] };
  expect(owed([bounce])).toEqual([ann, bob]);
  expect(owed([bounce, noticed])).toEqual([bob]);
  expect(owed([bounce, { ...noticed, kind: "delay" }])).toEqual([ann, bob]);
  const again: SpoolRecord[] = [{ at: 7, event: "retried" }, attempt(8, [failed(ann, said(550))])];
  expect(owed([bounce, noticed, ...again])).toEqual([ann]);
});

test("recipients of no transaction yet wait for nobody, and who was deferred before them keeps its time", () => {
  const first = attempt(5, [failed(ann, said(451))], 99);
  const state = messageState(entry, [first]);
  expect(state).toMatchObject({ kind: "pending", next: undefined });
  expect(state.ledger.pending).toEqual([ann, bob]);
  for (const rest of [ok(bob), failed(bob, said(550))])
    expect(messageState(entry, [first, attempt(6, [rest])])).toMatchObject({
      kind: "pending",
      next: { dueMs: 99, waitMs: 94 },
    });
  const stopped = attempt(6, [failed(bob, said(451))]); // a breaker says when it goes on
  expect(messageState(entry, [first, stopped])).toMatchObject({ kind: "pending", next: undefined });
});

test("who fails again after the clock was set back is owed another notice", () => {
  const noticed: SpoolRecord = { at: 50, event: "noticed", kind: "failure", id: "n", recipients: [ann, bob] };
  const bounce = attempt(50, [failed(ann, said(550)), failed(bob, said(550))]);
  const again = attempt(8, [failed(ann, said(550)), ok(bob)]);
  const records: SpoolRecord[] = [bounce, noticed, { at: 7, event: "retried" }, again];
  const owed = unnoticed(messageState(entry, records).ledger, records);
  expect(owed.map(({ recipient }) => recipient)).toEqual([ann]);
});
