import fc from "fast-check";
import { expect, test } from "vitest";
import type { Address } from "../../../src/mail/address.ts";
import type { Stage } from "../../../src/schedule/outcome.ts";
import { judge } from "../../../src/schedule/verdict.ts";
import { type Heard, readTranscript } from "../../../src/upstream/transcript.ts";

const TO = ["a@x.edu", "b@x.edu"] as Address[];
const ENDING = { stage: "dot", cause: "ECONNRESET", text: "gone" } as const;
const heard = (...lines: string[]): Heard[] =>
  lines.map((line) => {
    const [stage, code] = line.split(" ") as [Stage, string];
    return { stage, reply: { code: Number(code), text: line } };
  });
const transcript = (lines: string[]) => ({ who: "u", heard: heard(...lines), ending: ENDING, judge });
const read = (...lines: string[]) => {
  const { results, unanswered } = readTranscript(TO, transcript(lines));
  const of = results.map((one) =>
    one.status === "delivered" ? "delivered" : (one.failure.reply?.text ?? one.failure.cause),
  );
  return [...of, unanswered];
};

test.each([
  [
    ["mail 250", "rcpt 250", "rcpt 250", "data 354", "dot 250"],
    ["delivered", "delivered", false],
  ],
  [
    ["mail 250", "rcpt 250", "rcpt 550", "data 354", "dot 250"],
    ["delivered", "rcpt 550", false],
  ],
  [
    ["mail 250", "rcpt 450", "rcpt 250", "data 354", "dot 554"],
    ["rcpt 450", "dot 554", false],
  ],
  [
    ["mail 250", "rcpt 450", "rcpt 250", "data 354"],
    ["rcpt 450", "ECONNRESET", true],
  ],
  [
    ["mail 250", "rcpt 250", "rcpt 250", "data 451"],
    ["data 451", "data 451", false],
  ],
  [
    ["mail 250", "rcpt 250"],
    ["ECONNRESET", "ECONNRESET", false],
  ],
  [
    ["mail 550", "rcpt 503", "rcpt 503", "data 503"],
    ["mail 550", "mail 550", false],
  ],
  [
    ["mail 250", "rcpt 250", "rcpt 250", "data 354", "body 250"],
    ["EPROTOCOL", "EPROTOCOL", true],
  ],
  [
    ["mail 250", "rcpt 250", "rcpt 250", "data 354", "body 552"],
    ["body 552", "body 552", false],
  ],
  [[], ["ECONNRESET", "ECONNRESET", false]],
])("%j reads as %j", (lines, expected) => {
  expect(read(...lines)).toEqual(expected);
});

test("what is refused for too many recipients goes soon when somebody was taken, else in its time", () => {
  const verdicts = (...lines: string[]) =>
    readTranscript(TO, transcript(lines)).results.map((one) =>
      one.status === "failed" ? [one.verdict.scope, one.verdict.action, one.verdict.soon] : one.status,
    );
  expect(verdicts("mail 250", "rcpt 250", "rcpt 452", "data 354", "dot 250")).toEqual([
    "delivered",
    ["recipient", "defer", true],
  ]);
  expect(verdicts("mail 250", "rcpt 452", "rcpt 452", "data 503")).toEqual([
    ["recipient", "defer", undefined],
    ["recipient", "defer", undefined],
  ]);
});

test("nobody is delivered without a yes to MAIL, to the recipient, to DATA and to the dot", () => {
  const code = fc.constantFrom("250", "354", "421", "450", "550", "0");
  fc.assert(
    fc.property(
      fc.tuple(code, code, code, code, code),
      fc.nat({ max: 5 }),
      ([mail, a, b, data, dot], length) => {
        const lines = [`mail ${mail}`, `rcpt ${a}`, `rcpt ${b}`, `data ${data}`, `dot ${dot}`].slice(
          0,
          length,
        );
        const [first, second] = read(...lines);
        const message = length === 5 && mail === "250" && (data === "250" || data === "354") && dot === "250";
        expect([first === "delivered", second === "delivered"]).toEqual([
          message && a === "250",
          message && b === "250",
        ]);
      },
    ),
  );
});
