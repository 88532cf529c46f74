import fc from "fast-check";
import { simpleParser } from "mailparser";
import { describe, expect, it } from "vitest";
import { composeNotice, type NoticeFacts } from "../../../src/message/notice.ts";
import { composeDigest, type DigestFacts } from "../../../src/message/notice-digest.ts";
import type { NoticeRecipient } from "../../../src/message/notice-report.ts";
import { type StatusFacts, statusOf } from "../../../src/message/notice-status.ts";
import { address } from "../../golden/relay.ts";
import { readGroups, readMessage, readReport } from "./notice-reading.ts";

const at = (day: number, hour = 10) => new Date(Date.UTC(2026, 0, day, hour));

const ada: NoticeRecipient = {
  address: "ada@example.org",
  status: "5.1.1",
  reply: "550 5.1.1 <ada@example.org>: no such user here / 550 5.1.1 please look at the address again",
  reason: "550 5.1.1 <ada@example.org>: no such user here / 550 5.1.1 please look at the address again",
  remoteMta: "smtp.relay.example[203.0.113.1]:587",
  lastAttempt: at(5, 11),
};
const bob: NoticeRecipient = {
  address: "bob@example.org",
  status: "4.4.7",
  reply: "450 4.2.2 mailbox full",
  reason: "It could not be delivered within 4 days.",
};

const original = {
  id: "1m84xr46400t1k",
  acceptedAt: at(5),
  sender: "portal@lab.wisc.edu",
  messageId: "<m1@app01.lab.wisc.edu>",
  head: Buffer.from("From: portal@lab.wisc.edu\r\nSubject: hello\r\n\r\n"),
};

function facts(more: Partial<NoticeFacts> = {}): NoticeFacts {
  return {
    kind: "failure",
    noticeId: "1m84xr46400t2m",
    hostname: "app01.lab.wisc.edu",
    date: at(5, 12),
    from: address("portal@lab.wisc.edu"),
    to: address("bounces@lab.wisc.edu"),
    original,
    recipients: [ada],
    ...more,
  };
}

const withHead = (head: string, more: Partial<NoticeFacts> = {}) =>
  facts({ original: { ...original, head: Buffer.from(head, "latin1") }, ...more });
const compose = (more: Partial<NoticeFacts> = {}) => readReport(composeNotice(facts(more)));
const lettersOf = (more: Partial<NoticeFacts> = {}) => compose(more).parts[0]!.content.replace(/\s+/g, " ");
const groupsOf = (more: Partial<NoticeFacts> = {}) => readGroups(compose(more).parts[1]!);

describe("a failure notice", () => {
  it("is this text, byte for byte", () => {
    const notice = composeNotice(facts({ recipients: [ada, bob], keptUntil: at(12) }));
    expect(notice.toString("latin1")).toBe(
      `Date: Mon, 05 Jan 2026 12:00:00 +0000
From: Mail Delivery System <portal@lab.wisc.edu>
To: bounces@lab.wisc.edu
Subject: Your message could not be delivered
Message-ID: <1m84xr46400t2m@app01.lab.wisc.edu>
In-Reply-To: <m1@app01.lab.wisc.edu>
References: <m1@app01.lab.wisc.edu>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="=_1m84xr46400t2m"

--=_1m84xr46400t2m
Content-Type: text/plain; charset=us-ascii
Content-Transfer-Encoding: 7bit

This is sluice, the mail relay on app01.lab.wisc.edu.

Your message could not be delivered to these 2 recipients, and will not be
tried again by itself:

  Queue id:    1m84xr46400t1k
  Accepted:    Mon, 05 Jan 2026 10:00:00 +0000
  Sender:      portal@lab.wisc.edu
  Message-ID:  <m1@app01.lab.wisc.edu>

  ada@example.org
    The relay service said, word for word:
      550 5.1.1 <ada@example.org>: no such user here / 550 5.1.1 please look
      at the address again

  bob@example.org
    It could not be delivered within 4 days. (4.4.7)
    The relay service said, word for word:
      450 4.2.2 mailbox full

What to do: if an address is wrong, correct it where it came from and send
the message again. If the message itself was refused, the words above say
why. If it could not be delivered in time, or the cause has been mended
since, the same message can be tried again.

The message is kept until Mon, 12 Jan 2026 10:00:00 +0000. On
app01.lab.wisc.edu, these commands show it and try it again:

  sluice queue show 1m84xr46400t1k
  sluice queue retry 1m84xr46400t1k

Its header is attached, its body is not. This notice was written by a
program.

--=_1m84xr46400t2m
Content-Type: message/delivery-status
Content-Transfer-Encoding: 7bit

Reporting-MTA: dns; app01.lab.wisc.edu
Arrival-Date: Mon, 05 Jan 2026 10:00:00 +0000

Final-Recipient: rfc822; ada@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; smtp.relay.example
Diagnostic-Code: smtp; 550 5.1.1 <ada@example.org>: no such user here / 550
 5.1.1 please look at the address again
Last-Attempt-Date: Mon, 05 Jan 2026 11:00:00 +0000

Final-Recipient: rfc822; bob@example.org
Action: failed
Status: 4.4.7
Diagnostic-Code: smtp; 450 4.2.2 mailbox full

--=_1m84xr46400t2m
Content-Type: text/rfc822-headers
Content-Transfer-Encoding: 7bit

From: portal@lab.wisc.edu
Subject: hello

--=_1m84xr46400t2m--
`.replaceAll("\n", "\r\n"),
    );
  });

  it("reads in mailparser as a text, a report and a header that is attached", async () => {
    const mail = await simpleParser(composeNotice(facts({ recipients: [ada, bob] })));
    expect(mail.from?.value).toEqual([{ address: "portal@lab.wisc.edu", name: "Mail Delivery System" }]);
    expect(mail.inReplyTo).toBe("<m1@app01.lab.wisc.edu>");
    expect(mail.headers.get("auto-submitted")).toBe("auto-replied");
    expect(mail.headers.get("content-type")).toMatchObject({
      value: "multipart/report",
      params: { "report-type": "delivery-status" },
    });
    expect(mail.text).toContain("sluice queue show 1m84xr46400t1k");
    // It shows the report below the text.
    expect(mail.text).toContain("Final-Recipient: rfc822; bob@example.org");
    expect(mail.attachments.map(({ contentType }) => contentType)).toEqual(["text/rfc822-headers"]);
    expect(mail.attachments[0]?.content.toString()).toBe("From: portal@lab.wisc.edu\r\nSubject: hello\r\n");
  });

  it("says the same of many recipients once", () => {
    const refused = Array.from({ length: 3 }, (_, i) => ({ ...ada, address: `u${i}@example.org` }));
    const letter = lettersOf({ recipients: [...refused, bob] });
    expect(letter).toContain("u0@example.org u1@example.org u2@example.org The relay service said");
    expect(letter.match(/no such user/g)).toHaveLength(1);
  });

  it("has all of a thousand recipients in its report, fifty in its text, and keeps small", () => {
    const recipients = Array.from({ length: 1000 }, (_, i) => ({
      ...ada,
      address: `user${i}@example.org`,
      reply: `550 ${i} ${"long ".repeat(100)}`,
    }));
    const bytes = composeNotice(facts({ recipients }));
    const { parts } = readReport(bytes);
    expect(readGroups(parts[1]!).slice(1)).toHaveLength(1000);
    expect(parts[0]!.content).toContain("and 950 more");
    expect(parts[0]!.content).not.toContain("user50@");
    expect(bytes.length).toBeLessThan(400_000);
  });

  it("has no Diagnostic-Code and no Remote-MTA when nobody was asked", () => {
    const own = { address: "x@example.org", status: "5.3.4", reason: "It is too large." } as const;
    expect(groupsOf({ recipients: [own] })[1]).toEqual({
      "Final-Recipient": "rfc822; x@example.org",
      Action: "failed",
      Status: "5.3.4",
    });
    expect(lettersOf({ recipients: [own] })).toContain("It is too large. (5.3.4)");
  });

  it("names all of fifty recipients in its text, without a word of more", () => {
    const recipients = Array.from({ length: 50 }, (_, i) => ({ ...ada, address: `user${i}@example.org` }));
    expect(lettersOf({ recipients })).toContain("user49@example.org");
    expect(lettersOf({ recipients })).not.toMatch(/and \d+ more/);
  });

  it.each(["", " ".repeat(300)])("has no blank line for the address %j", (blank) => {
    expect(groupsOf({ recipients: [{ ...ada, address: blank }] })[1]?.["Final-Recipient"]).toBe("rfc822; ?");
  });

  it("keeps the spaces of a quoted local part", () => {
    const quoted = { ...ada, address: '"a  b"@example.org' };
    expect(groupsOf({ recipients: [quoted] })[1]?.["Final-Recipient"]).toBe('rfc822; "a  b"@example.org');
  });

  it("says in ASCII that a reply was cut", () => {
    const cut = groupsOf({ recipients: [{ ...ada, reply: "550 and so on…" }] })[1];
    expect(cut?.["Diagnostic-Code"]).toBe("smtp; 550 and so on...");
  });

  it.each([
    ["smtp.relay.example", "dns; smtp.relay.example"],
    ["smtp.relay.example[2001:db8::1]:587", "dns; smtp.relay.example"],
    ["203.0.113.7[203.0.113.7]:587", "dns; [203.0.113.7]"],
    ["2001:db8::1", "dns; [IPv6:2001:db8::1]"],
    ["x\r\nAction: delivered", undefined],
    ["no host (at all)", undefined],
    ["", undefined],
  ])("writes the remote %j as %j", (remoteMta, field) => {
    expect(groupsOf({ recipients: [{ ...ada, remoteMta }] })[1]?.["Remote-MTA"]).toBe(field);
  });

  it("throws when it is about nobody, or its own id or host name is none", () => {
    expect(() => composeNotice(facts({ recipients: [] }))).toThrow(/no recipient/);
    expect(() => composeNotice(facts({ noticeId: "a\r\nb" }))).toThrow(/id is malformed/);
    expect(() => composeNotice(facts({ hostname: "a b" }))).toThrow(/host name is malformed/);
  });
});

describe("a delay notice", () => {
  const late = {
    kind: "delay",
    retryUntil: at(9),
    recipients: [{ ...bob, status: "4.2.2", reason: bob.reply! }],
  } as const;

  it("says until when it is tried, for people and for programs", () => {
    expect(groupsOf(late)[1]).toMatchObject({
      Action: "delayed",
      Status: "4.2.2",
      "Will-Retry-Until": "Fri, 09 Jan 2026 10:00:00 +0000",
    });
    const letter = lettersOf(late);
    expect(letter).toContain("You need not do anything");
    expect(letter).toContain("until Fri, 09 Jan 2026 10:00:00 +0000.");
    expect(letter).not.toContain("sluice queue retry");
  });

  it("does without that time when none is known", () => {
    expect(groupsOf({ ...late, retryUntil: undefined })[1]).not.toHaveProperty("Will-Retry-Until");
    expect(lettersOf({ ...late, retryUntil: undefined })).toContain("it is tried again by itself. Should");
  });

  it("has no such time in a failure notice, whose recipients are not tried again", () => {
    expect(groupsOf({ retryUntil: at(9) })[1]).not.toHaveProperty("Will-Retry-Until");
  });
});

describe("the header that a notice returns", () => {
  const returned = (head: string) => readReport(composeNotice(withHead(head))).parts[2]!;
  const encodingOf = (head: string) =>
    returned(head).fields.find(({ name }) => name === "Content-Transfer-Encoding")?.value;

  it.each(["\r\n\r\n", "\n\n", "\r\r"])("ends at the empty line %j: no byte of a body goes back", (end) => {
    const notice = composeNotice(withHead(`Subject: x${end}SECRET\r\n\r\nSECRET too\r\n`));
    expect(notice.toString("latin1")).not.toContain("SECRET");
    expect(returned(`Subject: x${end}SECRET`).content).toBe("Subject: x\r\n");
  });

  it("is nothing when the message began with its body", () => {
    expect(returned("\r\nSECRET").content).toBe("");
  });

  it.each([
    "Subject: caf\xe9\r\n",
    "X: a\0b\x1b[31m\r\n",
    `X: ${"y".repeat(1500)}\r\n`,
    "--=_1m84xr46400t2m: a lawful field name\r\n",
    "--=_1m84xr46400t2m--\r\n",
    "X: \xff \r\nY: = \xff\t\r\n",
  ])("is encoded when it cannot stand as it is, and decodes to the same: %j", (head) => {
    expect(encodingOf(head)).toBe("quoted-printable");
    expect(returned(head).content).toBe(head);
  });

  it("stands as it is when it is plain", () => {
    const head = `Received: from x\r\n\tby y\r\nX: ${"z".repeat(900)}\r\n`;
    expect(encodingOf(head)).toBe("7bit");
    expect(returned(head).content).toBe(head);
  });

  it.each(["y", "\xff"])("is cut at a line before it gets long, and the text says so: %j", (c) => {
    const line = `X: ${c.repeat(200)}\r\n`;
    const bytes = composeNotice(withHead(line.repeat(500)));
    const { parts } = readReport(bytes);
    expect(parts[2]!.content).toBe(line.repeat(parts[2]!.content.length / line.length));
    expect(bytes.length).toBeGreaterThan(25_000);
    expect(bytes.length).toBeLessThan(36_000);
    expect(parts[0]!.content).toContain("The beginning of its header is attached");
  });
});

describe("the thread of a notice", () => {
  const replyTo = (messageId: string) =>
    compose({ original: { ...original, messageId } }).fields.find(({ name }) => name === "In-Reply-To")
      ?.value;

  it.each(["<a@b>", "<20260105.1.x$y@host.example>", `<${"a".repeat(400)}@b>`])("names %s", (messageId) => {
    expect(replyTo(messageId)).toBe(messageId);
  });

  it.each([
    "",
    "a@b",
    "<a@b> <c@d>",
    "<a b@c>",
    "<a@b>\r\nBcc: x@evil.example",
    "<a\\x0d@b>",
    "<caf\xe9@b>",
    "<=?utf-8?q?x?=@b>",
    "<(x)a@b>",
    `<${"a".repeat(600)}@b>`,
  ])("leaves out what is no plain Message-ID: %j", (messageId) => {
    expect(replyTo(messageId)).toBeUndefined();
  });
});

describe("a notice of hostile facts", () => {
  const evil = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.string({
      unit: fc.constantFrom(
        "\r",
        "\n",
        "\0",
        "\x1b",
        "\xff",
        "…",
        " ",
        "\t",
        "-",
        "=",
        "_",
        ":",
        "x",
        "\u2028",
      ),
      maxLength: 700,
    }),
    fc.constantFrom(
      "550 x\r\n\r\nFinal-Recipient: rfc822; no@body",
      "\r\n--=_1m84xr46400t2m--\r\n",
      "x".repeat(2000),
      " ".repeat(900),
      "<x@y>\r\nBcc: boss@evil.example",
    ),
  );
  const recipient: fc.Arbitrary<NoticeRecipient> = fc.record({
    address: evil,
    status: fc.constant("5.0.0" as const),
    reply: fc.option(evil, { nil: undefined }),
    reason: evil,
    remoteMta: fc.option(evil, { nil: undefined }),
  });
  const hostile = fc.record({
    kind: fc.constantFrom("failure" as const, "delay" as const),
    recipients: fc.array(recipient, { minLength: 1, maxLength: 6 }),
    original: fc.record({
      id: evil,
      acceptedAt: fc.constant(at(5)),
      sender: evil,
      messageId: evil,
      head: fc.oneof(
        evil.map((text) => Buffer.from(text, "latin1")),
        fc.array(evil).map((lines) => Buffer.from(lines.map((line) => `X: ${line}`).join("\r\n"))),
      ),
    }),
  });
  const names = (all: readonly { name: string }[]) => all.map(({ name }) => name);
  const top = [
    "Date",
    "From",
    "To",
    "Subject",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
  ];

  it("has the fields, the parts and the groups that it should have, and no other", () => {
    fc.assert(
      fc.property(hostile, (some) => {
        const bytes = composeNotice(facts(some));
        const { fields, parts } = readReport(bytes);
        expect(names(fields).filter((name) => name !== "In-Reply-To" && name !== "References")).toEqual(top);
        expect(parts.map((part) => part.fields[0]?.value)).toEqual([
          "text/plain; charset=us-ascii",
          "message/delivery-status",
          "text/rfc822-headers",
        ]);
        expect(parts.map((part) => part.fields.length)).toEqual([2, 2, 2]);
        const [message, ...groups] = readGroups(parts[1]!);
        expect(Object.keys(message!)).toEqual(["Reporting-MTA", "Arrival-Date"]);
        expect(groups).toHaveLength(some.recipients.length);
        for (const group of groups)
          expect(Object.keys(group).slice(0, 3)).toEqual(["Final-Recipient", "Action", "Status"]);
        expect(parts[2]!.content).not.toMatch(/\r(?!\n)|(?<!\r)\n|\r\n\r\n/);
        expect(bytes.length).toBeLessThan(60_000);
      }),
      { numRuns: 300 },
    );
  });

  it("reads in mailparser as three parts", async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (some) => {
        const mail = await simpleParser(composeNotice(facts(some)));
        expect(mail.attachments).toHaveLength(1);
        expect(mail.bcc).toBeUndefined();
        expect(mail.to).toMatchObject({ text: "bounces@lab.wisc.edu" });
        expect(mail.text).toContain("This is sluice");
      }),
      { numRuns: 50 },
    );
  });

  it("cannot break the lines and fields of a digest either", () => {
    const sample = fc.record({
      id: evil,
      acceptedAt: fc.constant(at(5)),
      recipients: fc.array(evil, { maxLength: 3 }),
      reason: evil,
    });
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 60 }), (samples) => {
        const bytes = composeDigest(digest({ samples, count: 60 }));
        expect(names(readMessage(bytes).fields)).toEqual([...top, "Content-Transfer-Encoding"]);
        expect(bytes.length).toBeLessThan(60_000);
      }),
      { numRuns: 50 },
    );
  });
});

function digest(more: Partial<DigestFacts> = {}): DigestFacts {
  const { noticeId, hostname, date, from, to } = facts();
  const sample = { id: original.id, acceptedAt: at(5), recipients: ["a@example.org"], reason: ada.reason };
  return { noticeId, hostname, date, from, to, since: at(5, 11), count: 1, samples: [sample], ...more };
}

describe("a digest", () => {
  const textOf = (more: Partial<DigestFacts>) => readMessage(composeDigest(digest(more))).lines.join("\n");

  it("counts all, shows fifty and says how to see the rest", () => {
    const samples = Array.from({ length: 60 }, (_, i) => ({ ...digest().samples[0]!, id: `id${i}x` }));
    const text = textOf({ count: 123, samples });
    expect(text).toMatch(/123\smessages\scould not be delivered/);
    expect(text).toContain("Below are 50 of them.");
    expect(text).toContain("\n  sluice queue list --state bounced\n");
    expect(text.match(/^ {2}id\d+x /gm)).toHaveLength(50);
  });

  it("shows a message on two lines: which, when and to whom; and why", () => {
    expect(
      textOf({ samples: [{ ...digest().samples[0]!, recipients: ["a@b.example", "c@d.example"] }] }),
    ).toContain(
      "  1m84xr46400t1k  2026-01-05 10:00Z  a@b.example and 1 more\n    550 5.1.1 <ada@example.org>: no such",
    );
  });

  it("is marked so that nothing answers it", () => {
    const { fields } = readMessage(composeDigest(digest()));
    expect(fields).toContainEqual({ name: "Auto-Submitted", value: "auto-replied" });
    expect(fields).toContainEqual({ name: "Subject", value: "1 message could not be delivered" });
  });
});

describe("statusOf", () => {
  const upstream = { kind: "failure", by: "upstream" } as const;
  it.each<[string, StatusFacts, string]>([
    ["the upstream's own code", { ...upstream, code: 550, enhanced: "5.1.1" }, "5.1.1"],
    ["the class alone without one", { ...upstream, code: 554 }, "5.0.0"],
    ["not a code of another class than its reply", { ...upstream, code: 550, enhanced: "4.7.1" }, "5.0.0"],
    ["not a code that says success", { ...upstream, code: 550, enhanced: "2.1.5" }, "5.0.0"],
    ["not what is no code", { ...upstream, code: 550, enhanced: "5.1.1\r\nX: y" }, "5.0.0"],
    ["not numbers with leading zeros", { ...upstream, code: 550, enhanced: "5.01.1" }, "5.0.0"],
    ["not numbers of four digits", { ...upstream, code: 550, enhanced: "5.1.1000" }, "5.0.0"],
    ["our own when nobody was asked", { ...upstream, ownStatus: "5.3.4" }, "5.3.4"],
    ["the class of a 4xx that was given up", { ...upstream, code: 450, enhanced: "4.2.2" }, "4.2.2"],
    ["class 5 when nothing is known", upstream, "5.0.0"],
    ["class 5 for what is no reply", { ...upstream, code: 0 }, "5.0.0"],
    ["expiry, whatever was said last", { kind: "failure", by: "age", code: 450, enhanced: "4.2.2" }, "4.4.7"],
    ["a person's decision", { kind: "failure", by: "operator", code: 450, enhanced: "4.2.2" }, "5.7.0"],
    ["in a delay, the upstream's", { kind: "delay", by: "upstream", code: 450, enhanced: "4.2.2" }, "4.2.2"],
    ["in a delay, class 4 always", { kind: "delay", by: "upstream", code: 535, enhanced: "5.7.8" }, "4.0.0"],
    ["in a delay, our own", { kind: "delay", by: "upstream", ownStatus: "4.3.2" }, "4.3.2"],
    ["in a delay before the first attempt", { kind: "delay", by: "age" }, "4.0.0"],
  ])("gives %s", (_, given, status) => {
    expect(statusOf(given)).toBe(status);
  });
});

describe("the reader of these tests sees", () => {
  const good = () => composeNotice(facts()).toString("latin1");
  const broken = (from: string | RegExp, to: string) => () =>
    readReport(Buffer.from(good().replace(from, to), "latin1"));

  it.each<[string, () => unknown, RegExp]>([
    ["a bare LF", broken("Subject: Your", "Subject:\nYour"), /not plain ASCII/],
    ["a bare CR", broken("word:", "word:\r"), /not plain ASCII/],
    ["an 8-bit byte", broken("hello", "h\xe9llo"), /not plain ASCII/],
    ["a long line", broken("hello", "h".repeat(1000)), /characters/],
    ["a line that is no field", broken("Action: failed", "oops"), /no field/],
    ["an early end", broken(/--\r\n$/, "\r\n"), /not closed/],
    ["text after the end", broken(/$/, "more\r\n"), /after the last/],
    [
      "a boundary with more to it",
      broken("\r\n\r\nReporting-MTA", "\r\n\r\n--=_1m84xr46400t2mX"),
      /more to it/,
    ],
    ["an open last line", broken(/\r\n$/, ""), /not ended/],
  ])("%s", (_, read, problem) => {
    const readAll = () => readGroups((read() as ReturnType<typeof readReport>).parts[1]!);
    expect(readAll).toThrow(problem);
  });
});
