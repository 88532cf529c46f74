import { expect, test } from "vitest";
import type { Failure, RecipientResult } from "../../../src/schedule/outcome.ts";
import { failed } from "../../../src/schedule/verdict.ts";
import type { SpoolRecord } from "../../../src/spool/entry.ts";
import { messageState } from "../../../src/spool/state.ts";
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
  expect(messageState(entry, [])).toMatchObject({ kind: "pending", nextMs: undefined, reason: undefined });
});

test("a deferred one waits for its time, with the upstream's words as the reason", () => {
  const state = messageState(entry, [attempt(5, [ok(ann), failed(bob, said(451))], 99)]);
  expect(state).toMatchObject({ kind: "pending", nextMs: 99, reason: "451 words" });
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
