import { expect, test } from "vitest";
import type { Address } from "../../../src/mail/address.ts";
import {
  CAUSE,
  type Failure,
  STAGES,
  type Stage,
  type UpstreamReply,
} from "../../../src/schedule/outcome.ts";
import { failed, goesOn, judge, replyClass } from "../../../src/schedule/verdict.ts";

const reply = (code: number, enhanced?: string): UpstreamReply => ({
  code,
  text: `${code}`,
  ...(enhanced ? { enhanced } : {}),
});
const verdict = (failure: Omit<Failure, "text">) => {
  const { scope, action, soon } = judge({ ...failure, text: "" });
  return `${scope} ${action}${soon ? " soon" : ""}`;
};

// one row a cell: stage, what came, whom it blames and what follows
const U = "upstream defer";
const S = "session defer";
const CELLS: [Stage, 421 | 451 | 554 | 299 | "ECONNRESET", string][] = [
  ["dns", 421, U],
  ["dns", 451, U],
  ["dns", 554, U],
  ["dns", 299, U],
  ["dns", "ECONNRESET", U],
  ["connect", 421, U],
  ["connect", 451, U],
  ["connect", 554, U],
  ["connect", 299, U],
  ["connect", "ECONNRESET", U],
  ["greeting", 421, U],
  ["greeting", 451, U],
  ["greeting", 554, U],
  ["greeting", 299, U],
  ["greeting", "ECONNRESET", U],
  ["tls", 421, U],
  ["tls", 451, U],
  ["tls", 554, U],
  ["tls", 299, U],
  ["tls", "ECONNRESET", U],
  ["ehlo", 421, U],
  ["ehlo", 451, U],
  ["ehlo", 554, U],
  ["ehlo", 299, U],
  ["ehlo", "ECONNRESET", U],
  ["auth", 421, U],
  ["auth", 451, "account defer"],
  ["auth", 554, "account defer"],
  ["auth", 299, "account defer"],
  ["auth", "ECONNRESET", U],
  ["mail", 421, S],
  ["mail", 451, "message defer"],
  ["mail", 554, "pair defer"],
  ["mail", 299, S],
  ["mail", "ECONNRESET", S],
  ["rcpt", 421, S],
  ["rcpt", 451, "recipient defer"],
  ["rcpt", 554, "recipient bounce"],
  ["rcpt", 299, S],
  ["rcpt", "ECONNRESET", S],
  ["data", 421, S],
  ["data", 451, "message defer"],
  ["data", 554, "message bounce"],
  ["data", 299, S],
  ["data", "ECONNRESET", S],
  ["body", 421, S],
  ["body", 451, "message defer"],
  ["body", 554, "message bounce"],
  ["body", 299, S],
  ["body", "ECONNRESET", S],
  ["dot", 421, S],
  ["dot", 451, "message defer"],
  ["dot", 554, "message bounce"],
  ["dot", 299, S],
  ["dot", "ECONNRESET", S],
];

test.each(CELLS)("at %s, %s means: %s", (stage, what, meaning) => {
  expect(verdict(typeof what === "number" ? { stage, reply: reply(what) } : { stage, cause: what })).toBe(
    meaning,
  );
});

test("the cells above are all there are", () => {
  expect(new Set(CELLS.map(([stage, what]) => `${stage} ${what}`)).size).toBe(STAGES.length * 5);
});

test.each([
  "ETIMEDOUT",
  "ECONNREFUSED",
  "EPROTOCOL",
  "ENOTFOUND",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ANYTHING",
  "toString",
  undefined,
])("%s never blames a message", (cause) => {
  for (const stage of STAGES) {
    expect(verdict({ stage, ...(cause === undefined ? {} : { cause }) })).toMatch(
      /^(upstream|session) defer$/,
    );
  }
});

test.each([
  ["a login that fails", "auth", 535, "account defer"],
  ["a mechanism that is too weak", "auth", 534, "account defer"],
  ["a login that cannot be checked now", "auth", 454, "account defer"],
  ["a login that is asked for", "auth", 530, "account defer"],
  ["authentication required, said to MAIL", "mail", 530, "account defer"],
  ["authentication required, said to RCPT", "rcpt", 530, "account defer"],
  ["credentials refused, said to DATA", "data", 535, "account defer"],
  ["credentials refused, said to the message", "dot", 535, "account defer"],
  ["mechanism too weak, said to MAIL", "mail", 534, "account defer"],
  ["no check of credentials now, said to MAIL", "mail", 454, "account defer"],
  ["454 to one recipient", "rcpt", 454, "recipient defer"],
  ["STARTTLS not possible now", "tls", 454, "upstream defer"],
  ["bad sequence at MAIL", "mail", 503, "session defer"],
  ["bad sequence at RCPT", "rcpt", 503, "session defer"],
  ["bad sequence at DATA", "data", 503, "session defer"],
  ["bad sequence at the message", "dot", 503, "session defer"],
  ["too many recipients", "rcpt", 452, "recipient defer soon"],
  ["too many recipients, as RFC 821 said it", "rcpt", 552, "recipient defer soon"],
  ["storage exceeded", "dot", 552, "message bounce"],
  ["no storage now", "dot", 452, "message defer"],
  ["refused content", "dot", 550, "message bounce"],
  ["a sender that is not allowed", "mail", 550, "pair defer"],
  ["a sender with a mailbox name that is not allowed", "mail", 553, "pair defer"],
  ["a sender whose syntax is refused", "mail", 501, "pair defer"],
  ["a size that is refused", "mail", 552, "message bounce"],
  ["a parameter that is not recognised", "mail", 555, "session defer"],
  ["a parameter that is not implemented", "mail", 504, "session defer"],
  ["a command that is not recognised", "mail", 500, "session defer"],
  ["a command that is not implemented", "mail", 502, "session defer"],
  ["DATA not recognised", "data", 500, "session defer"],
  ["DATA not implemented", "data", 502, "session defer"],
  ["the address of one recipient not understood", "rcpt", 500, "recipient bounce"],
  ["parameters of one recipient", "rcpt", 555, "recipient bounce"],
] as [string, Stage, number, string][])("%s (%s, %i) means: %s", (_name, stage, code, meaning) => {
  expect(verdict({ stage, reply: reply(code) })).toBe(meaning);
});

test.each([
  // with an enhanced code that says something else than the number alone
  ["rcpt", 552, "5.2.2", "recipient bounce"],
  ["rcpt", 552, "5.5.3", "recipient defer soon"],
  ["rcpt", 452, "4.5.3", "recipient defer soon"],
  ["rcpt", 452, "4.3.1", "recipient defer"],
  ["rcpt", 452, "4.2.2", "recipient defer"],
  ["mail", 552, "5.3.4", "message bounce"],
  ["mail", 552, "5.2.3", "message bounce"],
  ["mail", 552, "5.2.2", "pair defer"],
  ["mail", 554, "5.3.4", "message bounce"],
  ["mail", 550, "5.2.3", "message bounce"],
  ["mail", 554, "5.6.3", "message bounce"],
  ["mail", 452, "4.3.4", "message defer"],
  ["mail", 450, "5.3.4", "message defer"],
  ["mail", 421, "5.3.4", "session defer"],
  ["mail", 501, "5.1.7", "pair defer"],
  ["mail", 501, "5.5.4", "session defer"],
  ["mail", 501, "5.5.2", "session defer"],
  ["dot", 550, "5.7.1", "message bounce"],
  ["rcpt", 550, "5.7.1", "recipient bounce"],
] as [Stage, number, string, string][])("at %s, %i %s means: %s", (stage, code, enhanced, meaning) => {
  expect(verdict({ stage, reply: reply(code, enhanced) })).toBe(meaning);
});

test.each(["452 Requested action not taken: insufficient system storage", "452 mailbox full"])(
  "%s is not about the number of recipients",
  (text) => {
    expect(verdict({ stage: "rcpt", reply: { code: 452, text } })).toBe("recipient defer");
  },
);

test.each([
  [CAUSE.eightBit, "mail", "message bounce"],
  [CAUSE.tooBig, "mail", "message bounce"],
  [CAUSE.address, "rcpt", "recipient bounce"],
  [CAUSE.body, "body", "message defer"],
  [CAUSE.noAuth, "auth", "account defer"],
  [CAUSE.aborted, "auth", "session defer"],
] as [string, Stage, string][])("our own %s at %s means: %s", (cause, stage, meaning) => {
  expect(verdict({ stage, cause })).toBe(meaning);
});

test("a reply goes before a cause", () => {
  expect(verdict({ stage: "dot", reply: reply(250), cause: CAUSE.eightBit })).toBe("session defer");
});

test.each([
  [200, "odd"],
  [354, "odd"],
  [399, "odd"],
  [400, "4xx"],
  [421, "421"],
  [499, "4xx"],
  [500, "5xx"],
  [599, "5xx"],
  [600, "odd"],
  [0, "odd"],
])("code %i is of class %s", (code, name) => {
  expect(replyClass(reply(code))).toBe(name);
});

test("a reply lets a transaction go on when it is 2xx, and for DATA 3xx too", () => {
  for (const stage of ["mail", "rcpt", "data", "dot"] as const) {
    expect([199, 200, 250, 299].map((code) => goesOn(stage, reply(code)))).toEqual([false, true, true, true]);
    expect([300, 354, 399].map((code) => goesOn(stage, reply(code)))).toEqual(
      Array(3).fill(stage === "data"),
    );
    expect([0, 400, 421, 550].map((code) => goesOn(stage, reply(code)))).toEqual(Array(4).fill(false));
  }
});

test("a result carries its failure and verdict", () => {
  const failure = { stage: "rcpt", reply: reply(550), text: "no" } as const;
  expect(failed("a@x.edu" as Address, failure)).toEqual({
    recipient: "a@x.edu",
    status: "failed",
    failure,
    verdict: { scope: "recipient", action: "bounce", why: "the upstream refuses this recipient for good" },
  });
});
