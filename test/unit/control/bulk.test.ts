import { expect, test } from "vitest";
import { bulkResult, bulkText, type IdOutcome } from "../../../src/control/bulk.ts";
import type { Verb } from "../../../src/spool/verb.ts";

const done = (id: string): IdOutcome => ({ id, done: true, was: "pending", is: "held" });
const no = (id: string, why: string): IdOutcome => ({ id, done: false, refused: "not possible", why });

test("every message is in one figure, and the reasons are grouped, the most frequent first", () => {
  const outcomes: IdOutcome[] = [
    done("a"),
    { id: "b", done: false, refused: "gone", why: "it was delivered" },
    no("c", "no account"),
    { id: "d", done: false, refused: "failed", why: "ENOSPC" },
    { id: "e", done: false, refused: "failed", why: "ENOSPC" },
    { id: "f", done: false, refused: "active", why: "in a session" },
  ];
  expect(bulkResult("hold", outcomes)).toEqual({
    verb: "hold",
    matched: 6,
    done: 1,
    changed: 1,
    refused: [
      { why: "ENOSPC", count: 2, ids: ["d", "e"] },
      { why: "no account", count: 1, ids: ["c"] },
      { why: "in a session", count: 1, ids: ["f"] },
    ],
  });
});

test.each<[Verb, "pending" | "held" | "bounced", boolean]>([
  ["hold", "held", true],
  ["hold", "bounced", true],
  ["release", "pending", true],
  ["release", "held", false], // refused although it is held: it has no account
  ["retry", "held", true],
  ["retry", "pending", false],
  ["bounce", "bounced", true],
])("%s refused of what is %s: it changed since it was counted: %s", (verb, is, changed) => {
  const { refused, ...result } = bulkResult(verb, [
    { id: "a", done: false, refused: "not possible", is, why: "no" },
  ]);
  expect([result.changed, refused.length]).toEqual(changed ? [1, 0] : [0, 1]);
});

test("the summary says what was done, what changed, and what was not done and why", () => {
  const many = Array.from({ length: 1230 }, (_, n) => done(String(n)));
  expect(bulkText(bulkResult("hold", many))).toBe("held: 1,230 of 1,230 messages");
  const some = [...many, ...["x1", "x2", "x3", "x4"].map((id) => no(id, "no\x1b[31maccount"))];
  const gone: IdOutcome = { id: "g", done: false, refused: "gone", why: "" };
  expect(bulkText(bulkResult("hold", [...some, gone]))).toBe(
    [
      "held: 1,230 of 1,235 messages; changed meanwhile (delivered, say): 1; not done: 4",
      "  4 × no\\x1b[31maccount (x1, x2, x3, …)",
    ].join("\n"),
  );
  const all = Array.from({ length: 100_000 }, (_, n) => no(String(n), "the agent ended"));
  expect(bulkText(bulkResult("hold", all))).toContain("  100,000 × the agent ended (0, 1, 2, …)");
  const each = Array.from({ length: 14 }, (_, n) => no(`i${n}`, `reason ${n}`));
  expect(bulkText(bulkResult("hold", each)).split("\n").at(-1)).toBe("  4 × other reasons: see --json");
});
