import { expect, test } from "vitest";
import { decodeText } from "../../../src/mail/encoded-words.ts";
import { splitHead } from "../../../src/mail/head.ts";
import { plainText, subjectOf } from "../../../src/mail/subject.ts";

/** The subject of a message with these header lines. */
function subject(lines: string | Buffer): string | undefined {
  const state = splitHead(Buffer.concat([Buffer.from(lines), Buffer.from("\r\n\r\n")]));
  if (state.kind !== "complete") throw new Error(state.problem);
  return subjectOf(state.head);
}

test.each([
  ["Subject: Grades", "Grades"],
  ["SUBJECT:  folded\r\n\tover lines ", "folded\tover lines".replace("\t", " ")],
  ["Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_an_alle?=", "Grüße an alle"],
  ["Subject: =?ISO-8859-1?B?R3L832U=?= =?utf-8?q?!?=", "Grüße!"],
  ["Subject: Re: =?us-ascii*en?q?hello?= there", "Re: hello there"],
  ["Subject: a =?utf-8?q?b?= c =?utf-8?q?d?=\r\n =?utf-8?q?e?= f", "a b c de f"],
  // A character of two bytes, cut in two by the program.
  ["Subject: =?utf-8?Q?Gr=C3?=\r\n =?UTF-8?Q?=BC=C3=9Fe?=", "Grüße"],
  ["Subject: =?klingon?q?Qapla?= =?utf-8?q?ok?=", "=?klingon?q?Qapla?=ok"],
  ["Subject: =?utf-8?x?no?= =?utf-8?q?", "=?utf-8?x?no?= =?utf-8?q?"],
  ["Subject:", ""],
])("%j says %j", (line, text) => {
  expect(subject(line)).toBe(text);
});

test("raw bytes are read as UTF-8 when they are that, else as latin1", () => {
  expect(subject(Buffer.from("Subject: Grüße", "utf8"))).toBe("Grüße");
  expect(subject(Buffer.from("Subject: Gr\xfc\xdfe", "latin1"))).toBe("Grüße");
});

test("a head without one has none, and a long one is cut at 200 characters, not inside one", () => {
  expect(subject("To: x@example.org")).toBeUndefined();
  expect(subject(`Subject: ${"é😀".repeat(200)}`)).toBe(`${"é😀".repeat(100)}…`);
});

test("what moves a cursor, turns the direction of the text or hides is taken out, encoded or not", () => {
  const evil = "=?utf-8?q?=1B[31mred=0D=0Anext=E2=80=AE_turned=E2=80=8Bhidden=00?=";
  const shown = subject(`Subject: ${evil}`) ?? "";
  expect(shown).toBe("\uFFFD[31mred\uFFFD\uFFFDnext\uFFFD turned\uFFFDhidden\uFFFD");
  expect(plainText("\x9b2J\u2028\u{E0041}", 10)).toBe("\uFFFD2J\uFFFD\uFFFD");
});

test("many words are decoded in one go over the text", () => {
  const words = Array.from({ length: 500 }, (_, n) => `=?utf-8?q?${n}?=`).join(" ");
  expect(decodeText(words)).toBe(Array.from({ length: 500 }, (_, n) => n).join(""));
});
