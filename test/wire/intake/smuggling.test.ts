/**
 * Only CRLF.CRLF ends a message; whatever else looks like an end stays one message's text, however it is cut
 * into packets (CVE-2023-51764 and relatives).
 */
import { describe, expect, test } from "vitest";
import { Dialog } from "./dialog.ts";
import { message, startIntake } from "./intake.ts";

const smuggled = "MAIL FROM:<portal@lab.example>\r\nRCPT TO:<victim@lab.example>\r\nDATA\r\nsmuggled";

const ends: [string, string][] = [
  ["LF.LF", "\n.\n"],
  ["CRLF.LF", "\r\n.\n"],
  ["LF.CRLF", "\n.\r\n"],
  ["CR.CR", "\r.\r"],
  ["CRLF.CR", "\r\n.\r"],
  ["CR.CRLF", "\r.\r\n"],
  ["LF.CR", "\n.\r"],
  ["CR.LF", "\r.\n"],
  ["CRLF.NUL CRLF", "\r\n.\0\r\n"],
  ["CRLF NUL.CRLF", "\r\n\0.\r\n"],
  ["CR NUL LF.CRLF", "\r\0\n.\r\n"],
  ["CRLF.CR NUL LF", "\r\n.\r\0\n"],
  ["CRLF.CRCRLF", "\r\n.\r\r\n"],
  ["CRCRLF.CRLF without its LF", "\r\r.\r\n"],
];

const script = (end: string) =>
  `EHLO x\r\nMAIL FROM:<portal@lab.example>\r\nRCPT TO:<ops@lab.example>\r\nDATA\r\n${message}${end}${smuggled}\r\n.\r\n`;

describe.each(ends)("%s", (_name, end) => {
  test("does not end a message, wherever a packet ends", async () => {
    await using intake = await startIntake();
    const text = script(end);
    const at = text.indexOf(end, text.indexOf("body"));
    for (let cut = at; cut <= at + end.length; cut++) {
      const dialog = new Dialog(intake.port);
      await dialog.reply();
      await dialog.write(text.slice(0, cut));
      for (let i = 0; i < 4; i++) await dialog.reply(); // up to 354: the first piece was read
      await dialog.write(text.slice(cut, cut + 1));
      await new Promise((resolve) => setImmediate(resolve));
      await dialog.write(text.slice(cut + 1));
      expect(await dialog.reply()).toMatch(/^250 2\.0\.0 queued as /);
      dialog.vanish();
    }
    expect(intake.accepted).toHaveLength(end.length + 1);
    for (const { entry, wire } of intake.accepted) {
      expect(entry.envelope.recipients).toEqual(["ops@lab.example"]);
      const sent = wire.toString("latin1");
      expect(sent).toContain("smuggled\r\n");
      // What goes out has no stray CR, LF or NUL for a lenient upstream to trip over.
      expect(sent.replaceAll("\r\n", "")).not.toMatch(/[\r\n\0]/);
    }
  });
});

test("CRLF.CRLF ends a message, wherever a packet ends: the control", async () => {
  await using intake = await startIntake();
  const text = script("\r\n.\r\n");
  const at = text.indexOf("\r\n.\r\n", text.indexOf("body"));
  for (let cut = at; cut <= at + 5; cut++) {
    const dialog = new Dialog(intake.port);
    await dialog.reply();
    await dialog.write(text.slice(0, cut));
    for (let i = 0; i < 4; i++) await dialog.reply();
    await dialog.write(text.slice(cut));
    const replies = [await dialog.reply(), await dialog.reply(), await dialog.reply(), await dialog.reply()];
    expect(replies.map((reply) => reply.slice(0, 3))).toEqual(["250", "250", "250", "354"]);
    expect(await dialog.reply()).toMatch(/^250 /);
    dialog.vanish();
  }
  expect(intake.accepted).toHaveLength(12);
});

test("a script cut at every byte is the same one message", async () => {
  await using intake = await startIntake();
  const text = `HELO x\r\nMAIL FROM:<portal@lab.example>\r\nRCPT TO:<root>\r\nDATA\r\n..dot\r\n.\r\nQUIT\r\n`;
  const dialogs = Array.from({ length: 40 }, (_, i) => ({ dialog: new Dialog(intake.port), cut: 2 * i + 1 }));
  await Promise.all(
    dialogs.map(async ({ dialog, cut }) => {
      await dialog.reply();
      await dialog.write(text.slice(0, cut));
      await new Promise((resolve) => setImmediate(resolve));
      await dialog.write(text.slice(cut));
      expect((await dialog.rest()).map((reply) => reply.slice(0, 3)).join(" ")).toBe(
        "250 250 250 354 250 221",
      );
    }),
  );
  expect(intake.accepted).toHaveLength(40);
  for (const { wire } of intake.accepted) expect(wire.toString("latin1")).toMatch(/\r\n\r\n\.dot\r\n$/);
});
