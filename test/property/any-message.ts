/** Messages glued together from what makes readers see two senders: for properties that hold whatever the head. */
import fc from "fast-check";
import {
  cleanedValues,
  evil,
  harmlessHeads,
  ok,
  plainValues,
  refusedHeads,
  refusedValues,
} from "./evil-from.ts";

const evilValue = fc.constantFrom(
  ...[refusedValues, cleanedValues, plainValues].flatMap((table) => Object.values(table)),
  "root",
  "root (Cron Daemon)",
  '"(Cron Daemon)" <root>',
);
/** Texts glued together from what addresses are made of. */
export const gluedValue = fc
  .array(
    fc.constantFrom(
      ok,
      evil,
      "<",
      ">",
      '"',
      "(",
      ")",
      "\\",
      ",",
      ";",
      ":",
      "@",
      " ",
      ".",
      "root",
      "=?utf-8?q?a=40b?=",
      "\r\n ",
      "\xf6",
      "\xe2\x80\x8b",
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));
const name = fc.constantFrom(
  "From",
  "FROM",
  "from",
  "From ",
  " From",
  "From\t",
  "Sender",
  "Sender ",
  "Resent-From",
  "Resent-Sender",
  "Reply-To",
  "Subject",
  "X-From",
  "DKIM-Signature",
  "\xe2\x80\x8bFrom",
  "From\0",
);
const ending = fc.oneof(
  { weight: 8, arbitrary: fc.constant("\r\n") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("\n", "\r", "\r\r\n", "\n\r", "\r\n \r\n", "\r\n\r\n", "\0\r\n", "\r\n\t", ""),
  },
);
const line = fc
  .tuple(name, fc.constantFrom(": ", ":", " : ", ":\t", ":\r\n "), fc.oneof(evilValue, gluedValue), ending)
  .map((parts) => parts.join(""));
const wholeHead = fc.constantFrom(...Object.values(refusedHeads), ...Object.values(harmlessHeads));
/** Whole messages, odd ones most of them. */
export const anyMessage = fc
  .tuple(
    fc.constantFrom("", "", "", `From ${evil} Mon Jan  5 10:00:00 2026\r\n`, "\r\n", "junk\r\n"),
    fc.array(fc.oneof({ weight: 6, arbitrary: line }, { weight: 1, arbitrary: wholeHead }), { maxLength: 4 }),
    fc.constantFrom("\r\nbody\r\n", "\n\nFrom: boss@evil.example\n", "", "\r\n.\r\n"),
  )
  .map(([first, lines, rest]) => Buffer.from(first + lines.join("") + rest, "latin1"));
