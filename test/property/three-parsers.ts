/**
 * The judge of P6 and of "no stray byte goes out": three independent parsers read a message that leaves.
 *
 * Ours, mailparser's and nodemailer's addressparser must see the same one From; a fourth, naive one counts
 * the lines that look like From at all. Throws (by expect) where they do not agree.
 */
import { simpleParser } from "mailparser";
import addressparser from "nodemailer/lib/addressparser";
import { expect } from "vitest";
import type { Pair } from "../../src/mail/envelope.ts";
import { splitHead } from "../../src/mail/head.ts";
import { parseMailbox } from "../../src/mail/mailbox.ts";

/** Checks the bytes of a message that goes out with this pair. */
export async function expectIdentity(bytes: Buffer, pair: Pair): Promise<void> {
  const text = bytes.toString("latin1");
  expect(text).not.toMatch(/\0|\r(?!\n)|(?<!\r)\n/);
  const allowed: readonly string[] = [pair.envelope, pair.header];

  const own = splitHead(bytes);
  if (own.kind !== "complete") throw new Error(`Cannot read our own head: ${own.problem}`);
  expect(own.head.separated).toBe(true);
  const from = own.head.fields.filter(({ name }) => name === "from").map((field) => field.value());
  expect(from).toHaveLength(1);
  expect(parseMailbox(from[0]!, "")).toMatchObject({
    ok: true,
    mailbox: { address: pair.header, canonical: true },
  });

  expect(addressesIn(from[0]!)).toEqual([pair.header]);
  for (const field of own.head.fields) {
    if (/^(sender|resent-from|resent-sender)$/.test(field.name)) {
      expect(allowed).toEqual(expect.arrayContaining(addressesIn(field.value())));
    }
  }

  const parsed = await simpleParser(bytes, {
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipImageLinks: true,
  });
  expect(parsed.headerLines.filter(({ key }) => key === "from")).toHaveLength(1);
  expect(parsed.from?.value.map((mailbox) => mailbox.address)).toEqual([pair.header]);
  expect(parsed.from?.value[0]?.name.replace(pair.header, "")).not.toContain("@");
  for (const name of ["sender", "resent-from", "resent-sender"]) {
    for (const { line } of parsed.headerLines.filter(({ key }) => key === name)) {
      expect(allowed).toEqual(expect.arrayContaining(addressesIn(line.slice(line.indexOf(":") + 1))));
    }
  }

  // A line that begins with space or tab goes on with the field above it, for every reader.
  const head = text.slice(0, text.indexOf("\r\n\r\n"));
  expect(head.split("\r\n").filter((line) => /^(?![ \t])\W*from\W*:/i.test(line))).toHaveLength(1);
}

function addressesIn(value: string): string[] {
  return addressparser(value, { flatten: true }).map((mailbox) => mailbox.address);
}
