import fc from "fast-check";
import { expect, test } from "vitest";
import type { Address } from "../../../src/mail/address.ts";
import { foldLedger, type LedgerRecord } from "../../../src/schedule/ledger.ts";
import type { RecipientResult } from "../../../src/schedule/outcome.ts";
import { failed } from "../../../src/schedule/verdict.ts";

const ALL = ["a@x.edu", "b@x.edu", "c@x.edu"] as Address[];
const [A, B, C] = ALL as [Address, Address, Address];
const reply = (code: number) => ({ code, text: `${code} text` });
const took = (recipient: Address): RecipientResult => ({ recipient, status: "delivered", reply: reply(250) });
const answered = (recipient: Address, code: number): RecipientResult =>
  failed(recipient, { stage: "rcpt", reply: reply(code), text: `answered ${code}` });

const attempt = (at: number, results: RecipientResult[]): LedgerRecord => ({ event: "attempt", at, results });
const expiry = (at: number, recipients: Address[]): LedgerRecord => ({
  event: "expired",
  at,
  recipients,
  reason: "too old",
});
const retried: LedgerRecord = { event: "retried", at: 9 };

test("without records everybody is pending", () => {
  expect(foldLedger(ALL, [])).toEqual({ pending: ALL, delivered: [], failed: [], reasons: new Map() });
});

test("each recipient has an outcome of its own", () => {
  const ledger = foldLedger(ALL, [attempt(5, [took(A), answered(B, 450), answered(C, 550)])]);
  expect(ledger.pending).toEqual([B]);
  expect(ledger.delivered).toEqual([{ recipient: A, at: 5, reply: reply(250) }]);
  expect(ledger.failed).toMatchObject([
    { recipient: C, at: 5, by: "upstream", reason: "550 text", failure: { reply: { code: 550 } } },
  ]);
  expect([...ledger.reasons.keys()]).toEqual([B]);
});

test("a settled recipient never returns to pending by itself, and its first settlement stands", () => {
  const ledger = foldLedger(ALL, [
    attempt(1, [took(A), answered(B, 550)]),
    attempt(2, [answered(A, 450), answered(B, 450), took(B)]),
  ]);
  expect(ledger.pending).toEqual([C]);
  expect(ledger.delivered).toMatchObject([{ recipient: A, at: 1 }]);
  expect(ledger.failed).toMatchObject([{ recipient: B, at: 1 }]);
});

test("the newest reason of a deferral is kept until the recipient is settled", () => {
  const records = [attempt(1, [answered(A, 450)]), attempt(2, [answered(A, 451)])];
  expect(foldLedger(ALL, records).reasons.get(A)?.text).toBe("answered 451");
  expect(foldLedger(ALL, [...records, attempt(3, [took(A)])]).reasons.size).toBe(0);
});

test("expiry gives up who is still pending, and nobody else, and keeps the last failure", () => {
  const ledger = foldLedger(ALL, [attempt(1, [took(A), answered(B, 451)]), expiry(2, [A, B])]);
  expect(ledger).toMatchObject({ pending: [C], delivered: [{ recipient: A }] });
  expect(ledger.failed).toMatchObject([
    { recipient: B, at: 2, by: "age", reason: "too old", failure: { reply: { code: 451 } } },
  ]);
});

test("what an operator gives up is told apart from what grew too old", () => {
  const given: LedgerRecord = { event: "bounced", at: 2, recipients: [A], reason: "by hand" };
  expect(foldLedger([A], [given]).failed).toMatchObject([{ by: "operator", reason: "by hand" }]);
});

test("an operator's retry makes those pending again who were given up, and nobody who was delivered", () => {
  const before = [attempt(1, [took(A), answered(B, 550)]), expiry(2, [C])];
  const ledger = foldLedger(ALL, [...before, retried]);
  expect(ledger).toMatchObject({ pending: [B, C], failed: [], delivered: [{ recipient: A }] });
  expect(ledger.reasons.get(B)?.reply?.code).toBe(550);
  expect(foldLedger(ALL, [...before, retried, attempt(10, [took(B)])]).pending).toEqual([C]);
});

test("a stored verdict stands, even where today's table would say otherwise", () => {
  const stored = {
    ...answered(A, 450),
    verdict: { scope: "recipient", action: "bounce", why: "" },
  } as RecipientResult;
  expect(foldLedger(ALL, [attempt(1, [stored])]).failed).toHaveLength(1);
});

test("a stranger's result is passed over", () => {
  expect(foldLedger([A], [attempt(1, [took(B)])])).toMatchObject({ pending: [A], delivered: [] });
});

const result = fc
  .tuple(fc.constantFrom(...ALL), fc.constantFrom(250, 450, 550))
  .map(([recipient, code]) => (code === 250 ? took(recipient) : answered(recipient, code)));
const records = fc.array(
  fc.oneof(
    fc.tuple(fc.nat(), fc.array(result, { maxLength: 4 })).map(([at, results]) => attempt(at, results)),
    fc.tuple(fc.nat(), fc.subarray(ALL)).map(([at, recipients]) => expiry(at, recipients)),
  ),
  { maxLength: 6 },
);

test("every recipient is exactly one of pending, delivered, given up", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(records, fc.constant([retried]))), (parts) => {
      const { pending, delivered, failed: gone } = foldLedger(ALL, parts.flat());
      const settled = [...delivered, ...gone].map(({ recipient }) => recipient);
      expect([...pending, ...settled].sort()).toEqual(ALL);
    }),
  );
});

test("records that stand there again change nothing, more records settle and never unsettle", () => {
  fc.assert(
    fc.property(records, records, (first, more) => {
      const before = foldLedger(ALL, first);
      const after = foldLedger(ALL, [...first, ...more]);
      const again = foldLedger(ALL, [...first, ...first]);
      expect({ ...again, reasons: null }).toEqual({ ...before, reasons: null });
      expect(after.delivered).toEqual(expect.arrayContaining([...before.delivered]));
      expect(after.failed).toEqual(expect.arrayContaining([...before.failed]));
    }),
  );
});
