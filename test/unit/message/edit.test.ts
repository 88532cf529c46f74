import { describe, expect, it } from "vitest";
import { splitHead } from "../../../src/mail/head.ts";
import { readIdentities } from "../../../src/mail/identity.ts";
import { type EditPlan, editHead } from "../../../src/message/edit.ts";
import { address, pair } from "../../golden/relay.ts";

const portal = pair("portal@lab.wisc.edu");
const news = pair("bounces@lab.wisc.edu", "news@lab.wisc.edu");

function edit(head: string, plan: Partial<EditPlan> = {}, envelope: string | null = "root@app01.internal") {
  const split = splitHead(Buffer.from(`${head}\r\n`, "latin1"));
  if (split.kind !== "complete") throw new Error(split.problem);
  const read = readIdentities(split.head, "app01.internal");
  if (!read.ok) throw new Error(read.problem);
  const { bytes, changes, messageId } = editHead(split.head, {
    pair: portal,
    original: { ...read.identities, envelope: envelope === null ? null : address(envelope) },
    keepOriginal: "none",
    received: "Received: from x\r\n\tby y",
    date: "DATE",
    messageId: "<new@y>",
    ...plan,
  });
  return { text: bytes.toString("latin1"), changed: changes.map(({ field }) => field), changes, messageId };
}
const rest = "Date: D\r\nMessage-ID: <old@x>\r\n";
const plain = `From: portal@lab.wisc.edu\r\n${rest}`;
const top = "Received: from x\r\n\tby y\r\n";

describe("editHead", () => {
  it("puts Received on top of a head that needs nothing, and changes no other byte", () => {
    expect(edit(plain)).toMatchObject({ text: `${top}${plain}\r\n`, changes: [], messageId: "<old@x>" });
  });

  it("adds From, Date and Message-ID when they are missing", () => {
    expect(edit("Subject: x\r\n")).toMatchObject({
      text: `${top}Subject: x\r\nFrom: portal@lab.wisc.edu\r\nDate: DATE\r\nMessage-ID: <new@y>\r\n\r\n`,
      changed: ["From", "Date", "Message-ID"],
      messageId: "<new@y>",
    });
  });

  it("ends the head with an empty line even where there was none", () => {
    expect(edit("").text).toMatch(/<new@y>\r\n\r\n$/);
  });

  it("rewrites From in its place and keeps the name", () => {
    const { text, changes } = edit(`X: 1\r\nFrom: root (Cron Daemon)\r\n${rest}`);
    expect(text).toBe(`${top}X: 1\r\nFrom: Cron Daemon <portal@lab.wisc.edu>\r\n${rest}\r\n`);
    expect(changes).toEqual([
      {
        field: "From",
        was: "root (Cron Daemon)",
        now: "Cron Daemon <portal@lab.wisc.edu>",
        why: "policy sends it from this address",
      },
    ]);
  });

  it("keeps the raw bytes of a name and folds encoded words", () => {
    expect(edit("From: J\xf6rg <root>\r\n").text).toContain("\r\nFrom: J\xf6rg <portal@lab.wisc.edu>\r\n");
    expect(edit("From: =?utf-8?q?a?= =?utf-8?q?b?= <root>\r\n").text).toContain(
      "\r\nFrom: =?utf-8?q?a?=\r\n =?utf-8?q?b?= <portal@lab.wisc.edu>\r\n",
    );
  });

  it("throws when the identities are not this head's", () => {
    const original = { from: undefined, others: new Map(), envelope: null };
    expect(() => edit(plain, { original })).toThrow(/From was not read/);
  });
});

describe("keepOriginal", () => {
  const head = `From: Root <root@app01.internal>\r\n${rest}`;

  it("adds Reply-To with the address that From had", () => {
    expect(edit(head, { keepOriginal: "reply-to" }).text).toContain(
      "\r\nReply-To: root@app01.internal\r\n\r\n",
    );
  });

  it("never replaces a Reply-To", () => {
    const { text } = edit(`${head}reply-to: x@y.example\r\n`, { keepOriginal: "reply-to" });
    expect(text.match(/reply-to/gi)).toHaveLength(1);
  });

  it("adds X-Original-From", () => {
    expect(edit(head, { keepOriginal: "header" }).text).toContain(
      "\r\nX-Original-From: root@app01.internal\r\n\r\n",
    );
  });

  it("takes the envelope sender for a missing From, and nothing for the null sender", () => {
    expect(edit(rest, { keepOriginal: "reply-to" }).changed).toEqual(["From", "Reply-To"]);
    expect(edit(rest, { keepOriginal: "reply-to" }, null).changed).toEqual(["From"]);
  });

  it("adds nothing when From keeps its address", () => {
    expect(edit(`From: portal@lab.wisc.edu (P)\r\n${rest}`, { keepOriginal: "reply-to" }).changed).toEqual([
      "From",
    ]);
    expect(edit(plain, { keepOriginal: "header" }).changed).toEqual([]);
  });
});

describe("Sender and Resent-", () => {
  const head = `From: news@lab.wisc.edu\r\n${rest}`;

  it("stay when they are of the pair", () => {
    const extra =
      "Sender: bounces@lab.wisc.edu\r\nResent-From: news@lab.wisc.edu\r\nResent-To: x@y.example\r\n";
    expect(edit(head + extra, { pair: news }).text).toBe(`${top}${head}${extra}\r\n`);
  });

  it("go when they are not", () => {
    expect(edit(`${head}Sender: portal@lab.wisc.edu\r\n`, { pair: news }).changed).toEqual(["Sender"]);
    expect(edit(`${head}SENDER: root\r\n`, { pair: news }).changed).toEqual(["SENDER"]);
  });

  it("go as a whole block when one Resent- identity is not of the pair", () => {
    const extra = "Resent-From: news@lab.wisc.edu\r\nResent-Sender: boss@evil.example\r\nResent-Date: D\r\n";
    expect(edit(head + extra, { pair: news }).text).toBe(`${top}${head}\r\n`);
  });

  it("leave Resent- fields without an identity alone", () => {
    expect(edit(`${head}Resent-To: x@y.example\r\n`, { pair: news }).changed).toEqual([]);
  });
});

it("removes Bcc, Resent-Bcc and Return-Path in any spelling", () => {
  const { text, changed } = edit(
    `BCC: a@b.example,\r\n c@d.example\r\nBcc : e@f.example\r\nResent-Bcc: x\r\nReturn-Path: <y>\r\n${plain}`,
  );
  expect(text).toBe(`${top}${plain}\r\n`);
  expect(changed).toEqual(["BCC", "Bcc", "Resent-Bcc", "Return-Path"]);
});

it("removes the line of a mailbox file", () => {
  expect(edit(`From root Mon Jan  5\r\n${plain}`)).toMatchObject({
    text: `${top}${plain}\r\n`,
    changed: ["From_"],
  });
});

describe("DKIM-Signature", () => {
  const signature = (h: string) => `DKIM-Signature: v=1; d=wisc.edu; h=${h};\r\n bh=x; b=y\r\n`;

  it("stays when nothing that it signs was touched", () => {
    expect(edit(signature("from:subject:received") + plain).changed).toEqual([]);
    expect(edit(`${signature("from:subject")}${plain}Bcc: a@b.example\r\n`).changed).toEqual(["Bcc"]);
  });

  it.each([
    ["a changed From", "From: root\r\n", "Subject : FROM"],
    ["a folded list", "From: root\r\n", "subject:\r\n  from"],
    ["an added Reply-To", "From: root\r\n", "subject:reply-to"],
    ["a removed Sender", "From: portal@lab.wisc.edu\r\nSender: root\r\n", "sender"],
    ["anything at all when its list cannot be read", "From: portal@lab.wisc.edu\r\nBcc: x\r\n", ""],
  ])("goes for %s", (_, fields, h) => {
    const { text, changes } = edit(signature(h) + fields + rest, { keepOriginal: "reply-to" });
    expect(text).not.toContain("DKIM-Signature");
    expect(changes).toContainEqual(
      expect.objectContaining({ field: "DKIM-Signature", why: expect.any(String) }),
    );
  });

  it("stays unread when nothing was changed", () => {
    expect(edit(signature("") + plain).changed).toEqual([]);
  });
});

it("makes another's Message-ID visible, and leaves it in the message as it came", () => {
  const { text, messageId } = edit("From: portal@lab.wisc.edu\r\nDate: D\r\nMessage-ID: <\x1b[31m@x>\r\n");
  expect(messageId).toBe("<\\x1b[31m@x>");
  expect(text).toContain("<\x1b[31m@x>");
});
