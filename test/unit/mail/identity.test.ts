import { describe, expect, it } from "vitest";
import { splitHead } from "../../../src/mail/head.ts";
import { readIdentities } from "../../../src/mail/identity.ts";

function identities(text: string) {
  const split = splitHead(Buffer.from(`${text}\r\n`, "latin1"));
  if (split.kind !== "complete") throw new Error(split.problem);
  const read = readIdentities(split.head, "host.example");
  return read.ok
    ? {
        from: read.identities.from?.address,
        others: [...read.identities.others].map(([{ name }, a]) => [name, a]),
      }
    : read.problem;
}

describe("readIdentities", () => {
  it("reads one From", () => {
    expect(identities("From: A <a@b.example>\r\n")).toEqual({ from: "a@b.example", others: [] });
  });

  it("does without a From", () => {
    expect(identities("Subject: x\r\n")).toEqual({ from: undefined, others: [] });
  });

  it("refuses two From fields, and one with a space before the colon", () => {
    expect(identities("From: a@b.example\r\nFROM: a@b.example\r\n")).toMatch(/2 From fields/);
    expect(identities("From : a@b.example\r\n")).toMatch(/space before its colon/);
  });

  it("says how From should look", () => {
    expect(identities("From: a@b.example, c@d.example\r\n")).toBe(
      "the From field names more than one mailbox; it must be one plain mailbox, as in From: Program <program@example.edu>",
    );
  });

  it("reports Sender and Resent- fields only when they are plain", () => {
    const plain = "Sender: S <s@b.example>\r\nResent-From: r@b.example\r\nResent-Sender: t@b.example\r\n";
    expect(identities(plain)).toMatchObject({
      others: [
        ["sender", "s@b.example"],
        ["resent-from", "r@b.example"],
        ["resent-sender", "t@b.example"],
      ],
    });
    for (const field of [
      "Sender: root",
      "Sender : s@b.example",
      "Sender: s@b.example, t@b.example",
      "Sender: s@b.example (S)",
      'Sender: "x@y.example" <s@b.example>',
      "Sender: s@b.example\r\nSender: s@b.example",
      "Resent-From: r@b.example, s@b.example",
      "Reply-To: s@b.example",
    ]) {
      expect(identities(`${field}\r\n`), field).toEqual({ from: undefined, others: [] });
    }
  });
});
