import fc from "fast-check";
import { expect, test } from "vitest";
import type { Address } from "../../../src/mail/address.ts";
import { foldLedger, type OutcomeRecord } from "../../../src/schedule/ledger.ts";
import type { RecipientResult } from "../../../src/schedule/outcome.ts";
import { failed } from "../../../src/schedule/verdict.ts";

const ALL = ["a@x.edu", "b@x.edu", "c@x.edu"] as Address[];
const [A, B, C] = ALL as [Address, Address, Address];
const reply = (code: number) => ({ code, text: `${code} text` });
const took = (recipient: Address): RecipientResult => ({ recipient, status: "delivered", reply: reply(250) });
const answered = (recipient: Address, code: number): RecipientResult =>
  failed(recipient, { stage: "rcpt", reply: reply(code), text: `answered ${code}` });

test("without records everybody is pending", () => {
  expect(foldLedger(ALL, [])).toEqual({
    pending: ALL,
    delivered: [],
    bounced: [],
    expired: [],
    reasons: new Map(),
  });
});

test("each recipient has an outcome of its own", () => {
  const ledger = foldLedger(ALL, [{ at: 5, results: [took(A), answered(B, 450), answered(C, 550)] }]);
  expect(ledger.pending).toEqual([B]);
  expect(ledger.delivered).toEqual([{ recipient: A, at: 5, reply: reply(250) }]);
  expect(ledger.bounced).toMatchObject([{ recipient: C, at: 5, failure: { reply: { code: 550 } } }]);
  expect([...ledger.reasons.keys()]).toEqual([B]);
});

test("a settled recipient never returns to pending, and its first settlement stands", () => {
  const ledger = foldLedger(ALL, [
    { at: 1, results: [took(A), answered(B, 550)] },
    { at: 2, results: [answered(A, 450), answered(B, 450), took(B)] },
  ]);
  expect(ledger.pending).toEqual([C]);
  expect(ledger.delivered).toMatchObject([{ recipient: A, at: 1 }]);
  expect(ledger.bounced).toMatchObject([{ recipient: B, at: 1 }]);
});

test("the newest reason of a deferral is kept until the recipient is settled", () => {
  const records: OutcomeRecord[] = [
    { at: 1, results: [answered(A, 450)] },
    { at: 2, results: [answered(A, 451)] },
  ];
  expect(foldLedger(ALL, records).reasons.get(A)?.text).toBe("answered 451");
  expect(foldLedger(ALL, [...records, { at: 3, results: [took(A)] }]).reasons.size).toBe(0);
});

test("expiry settles who is still pending, and nobody else", () => {
  const ledger = foldLedger(ALL, [{ at: 1, results: [took(A)] }], [A, B]);
  expect(ledger).toMatchObject({ pending: [C], expired: [B], delivered: [{ recipient: A }] });
});

test("a stored verdict stands, even where today's table would say otherwise", () => {
  const stored = {
    ...answered(A, 450),
    verdict: { scope: "recipient", action: "bounce", why: "" },
  } as RecipientResult;
  expect(foldLedger(ALL, [{ at: 1, results: [stored] }]).bounced).toHaveLength(1);
});

test("a stranger's result is passed over", () => {
  expect(foldLedger([A], [{ at: 1, results: [took(B)] }])).toMatchObject({ pending: [A], delivered: [] });
});

const result = fc
  .tuple(fc.constantFrom(...ALL), fc.constantFrom(250, 450, 550))
  .map(([recipient, code]) => (code === 250 ? took(recipient) : answered(recipient, code)));
const records = fc.array(fc.record({ at: fc.nat(), results: fc.array(result, { maxLength: 4 }) }), {
  maxLength: 6,
});

test("every recipient is exactly one of pending, delivered, bounced, expired", () => {
  fc.assert(
    fc.property(records, fc.subarray(ALL), (outcomes, expired) => {
      const { pending, delivered, bounced, expired: gone } = foldLedger(ALL, outcomes, expired);
      const settled = [...delivered, ...bounced].map(({ recipient }) => recipient);
      expect([...pending, ...settled, ...gone].sort()).toEqual(ALL);
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
      expect(after.bounced).toEqual(expect.arrayContaining([...before.bounced]));
    }),
  );
});
