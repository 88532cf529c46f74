import { expect, test } from "vitest";
import { addressHasher, hideRecipients } from "../../../src/observe/hidden-recipients.ts";

const hash = addressHasher(Buffer.from("key"));
const hidden = (said: object) => JSON.stringify(hideRecipients(said, hash));

test("recipients are hashed wherever they stand: lists, replies, reasons; the sender's addresses stay", () => {
  const said = {
    event: "bounced",
    id: "1m84xr46400t1k",
    sender: "app@lab.example",
    recipients: ["Bob@example.org", "root"],
    said: { from: "cron@app01.internal", recipients: ["bob"] },
    reply: {
      code: 550,
      text: "550 5.1.1 <bob@EXAMPLE.org>: unknown; sent by app@lab.example for b.o'b@example.org",
    },
    reason: "to=bob@example.org, orig_to=<other+tag@sub.example.org>",
    messageId: "<bob@app01.lab.example>",
    sizeBytes: 12,
    inDoubt: true,
    next: null,
  };
  const text = hidden(said);
  expect(text.toLowerCase()).not.toMatch(/bob@example|other\+tag|b\.o'b@|"bob"|"root"/);
  expect(text).toContain("app@lab.example");
  expect(text).toContain("cron@app01.internal");
  expect(text).toContain("<bob@app01.lab.example>"); // a Message-ID is no address
  const bob = hash("bob@example.org");
  expect(bob).toMatch(/^#[0-9a-f]{12}@example\.org$/);
  expect(text.split(bob)).toHaveLength(4); // however it is written
  expect(JSON.parse(text)).toMatchObject({ sizeBytes: 12, inDoubt: true, next: null, id: said.id });
});

test("another installation has other hashes", () => {
  expect(addressHasher(Buffer.from("other"))("bob@example.org")).not.toBe(hash("bob@example.org"));
});

test("what has no address in it stays as it is", () => {
  const said = { event: "started", listen: ["127.0.0.1:25", "[::1]:25"], deep: { n: [1, "x @ y"] } };
  expect(hideRecipients(said, hash)).toEqual(said);
});

test("a hostile reply costs time in proportion to its length", () => {
  expect(hidden({ reason: `${"a@".repeat(200_000)}` }).length).toBeGreaterThan(200_000);
  expect(hidden({ reason: "a".repeat(400_000) }).length).toBeGreaterThan(400_000);
});
