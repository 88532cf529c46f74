import { describe, expect, it } from "vitest";
import { splitHead } from "../../../src/mail/head.ts";
import { dateTime } from "../../../src/message/date.ts";
import { signedFields } from "../../../src/message/dkim.ts";
import { countHops, receivedField } from "../../../src/message/received.ts";

const facts = {
  clientIp: "127.0.0.1",
  helo: "app01",
  hostname: "app01.lab.wisc.edu",
  id: "0a1b2c",
  protocol: "ESMTP",
  date: new Date(Date.UTC(2026, 0, 5, 10, 0, 0)),
} as const;

describe("receivedField", () => {
  it("says who, where, how, which and when, folded", () => {
    expect(receivedField(facts)).toBe(
      "Received: from app01 ([127.0.0.1])\r\n\tby app01.lab.wisc.edu with ESMTP id 0a1b2c;\r\n\tMon, 05 Jan 2026 10:00:00 +0000",
    );
  });

  it.each([
    ["::1", "[IPv6:::1]"],
    ["::ffff:10.0.0.1", "[10.0.0.1]"],
    ["fe80::1%eth0", "[IPv6:fe80::1]"],
  ])("writes the address %s as %s", (clientIp, literal) => {
    expect(receivedField({ ...facts, clientIp })).toContain(`from app01 (${literal})\r\n`);
  });

  it("does without an address on a unix socket", () => {
    expect(receivedField({ ...facts, clientIp: "" })).toContain("Received: from app01\r\n");
    expect(receivedField({ ...facts, clientIp: "", helo: "x y" })).toContain("Received: from localhost\r\n");
  });

  it.each([
    "",
    "a b",
    "x\r\nFrom: boss@evil.example",
    "a;b",
    "(x)",
    "caf\xe9",
    "x\0y",
    "\x1b[31m",
    "d".repeat(300),
  ])("puts the address in the place of the HELO name %j", (helo) => {
    const field = receivedField({ ...facts, helo });
    expect(field).toContain("from [127.0.0.1] ([127.0.0.1])\r\n");
    expect(splitHead(Buffer.from(`${field}\r\n\r\n`))).toMatchObject({
      head: { fields: [{ name: "received" }] },
    });
  });

  it("takes a HELO name that is an address literal", () => {
    expect(receivedField({ ...facts, helo: "[10.0.0.1]" })).toContain("from [10.0.0.1] ([127.0.0.1])");
  });

  it("throws on a queue id that is none", () => {
    expect(() => receivedField({ ...facts, id: "a b" })).toThrow(/queue id/);
  });
});

it("counts Received fields in any case", () => {
  const split = splitHead(
    Buffer.from("Received: a\r\nRECEIVED: b\r\n c\r\nX-Received: d\r\n\r\nReceived: e\r\n"),
  );
  expect(split.kind === "complete" && countHops(split.head)).toBe(2);
});

it("writes a date in UTC with two digits for the day", () => {
  expect(dateTime(new Date("2026-03-01T23:59:59-06:00"))).toBe("Mon, 02 Mar 2026 05:59:59 +0000");
});

describe("signedFields", () => {
  it("reads a folded list in any case", () => {
    const value = "v=1; a=rsa-sha256; d=wisc.edu; h=From : To:\t Subject; bh=abc; b=de f=";
    expect([...signedFields(value)!]).toEqual(["from", "to", "subject"]);
  });

  it.each(["v=1; b=x", "h=; b=x", "h=from::to", "h=from; h=to", "h=fr\xf6m", ""])(
    "makes nothing of %j",
    (value) => {
      expect(signedFields(value)).toBeUndefined();
    },
  );
});
