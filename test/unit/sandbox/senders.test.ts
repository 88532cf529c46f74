/** The relay service's sender pairs, judged by another parser than ours. */
import { describe, expect, test } from "vitest";
import { headOf, isKnownEnvelope, isKnownPair, readHead } from "../../../src/sandbox/senders.ts";

const pairs = [{ envelope: "bounces@example.org", header: "news@example.org" }];

describe("sender pairs", () => {
  test("a known pair passes, its domain in either case", () => {
    expect(isKnownEnvelope(pairs, "bounces@EXAMPLE.org")).toBe(true);
    expect(isKnownPair(pairs, "bounces@example.org", "news@Example.org")).toBe(true);
  });

  test.each([
    ["bounces@example.org", "bounces@example.org"],
    ["news@example.org", "news@example.org"],
    ["bounces@example.org", "News@example.org"],
    ["bounces@example.org", "news@example.org.evil.example"],
    ["bounces@example.org", ""],
  ])("(%s, %s) is no known pair", (envelope, header) => {
    expect(isKnownPair(pairs, envelope, header)).toBe(false);
  });

  test("without pairs every sender passes", () => {
    expect(isKnownEnvelope(undefined, "")).toBe(true);
    expect(isKnownPair(undefined, "a@b.example", "c@d.example")).toBe(true);
  });
});

describe("the head", () => {
  test("shows From, Subject and Message-ID", async () => {
    const head = Buffer.from(
      "From: News <news@example.org>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\nMessage-ID: <1@x>\r\n\r\n",
    );
    expect(await readHead(head)).toEqual({
      headerFrom: "news@example.org",
      subject: "café",
      messageId: "<1@x>",
    });
  });

  test.each([
    ["no From", "Subject: x\r\n\r\n", "0 From fields"],
    ["two From", "From: a@b.example\r\nfrom : c@d.example\r\n\r\n", "2 From fields"],
    ["two mailboxes", "From: a@b.example, c@d.example\r\n\r\n", "not one plain mailbox"],
    ["a group", "From: us: a@b.example;\r\n\r\n", "not one plain mailbox"],
    ["no mailbox", "From: nobody\r\n\r\n", "not one plain mailbox"],
  ])("with %s has a problem", async (_what, head, problem) => {
    expect(await readHead(Buffer.from(head))).toMatchObject({ problem: expect.stringContaining(problem) });
  });

  test("ends at the empty line, and may not be endless", () => {
    expect(headOf(Buffer.from("A: b\r\n\r\nbody"))?.toString()).toBe("A: b\r\n\r\n");
    expect(headOf(Buffer.from("\r\nbody\r\n\r\n"))?.toString()).toBe("\r\n");
    expect(headOf(Buffer.from("A: b\r\n"))?.toString()).toBe("A: b\r\n");
    expect(headOf(Buffer.alloc(100_001, "a"))).toBeUndefined();
  });
});
