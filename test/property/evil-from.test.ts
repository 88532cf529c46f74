import { describe, expect, it } from "vitest";
import type { SenderPolicy } from "../../src/policy/senders.ts";
import { address, pair, relay } from "../golden/relay.ts";
import {
  cleanedValues,
  evil,
  harmlessHeads,
  ok,
  plainValues,
  refusedHeads,
  refusedValues,
} from "./evil-from.ts";
import { expectIdentity } from "./three-parsers.ts";

const allowed = pair(ok);
const policy: SenderPolicy = {
  pairs: [{ pair: allowed, account: "portal", rule: "accounts[0].senders[0]" }],
  rewrite: [],
  unknown: { kind: "reject" },
  keepOriginal: "reply-to",
};
/** Sends whatever can be read at all: nothing but the reading stands between an evil From and the upstream. */
const lenient: SenderPolicy = { ...policy, unknown: { kind: "send-as", pair: allowed } };

const send = (text: string, under = policy) => relay([Buffer.from(text, "latin1")], address(ok), under);
const withFrom = (value: string) => `Subject: x\r\nFrom: ${value}\r\nTo: a@b.example\r\n\r\nbody\r\n`;

describe("a From value that two readers may read differently is refused", () => {
  it.each(Object.entries(refusedValues))("%s", (_, value) => {
    const result = send(withFrom(value), lenient);
    expect(result.kind).toBe("malformed");
    expect(result).toMatchObject({ problem: expect.stringMatching(/^the From field |^the header /) });
  });
});

describe("a From that names an allowed address oddly is written anew", () => {
  it.each(Object.entries(cleanedValues))("%s", async (_, value) => {
    const result = send(withFrom(value));
    if (result.kind !== "sent") throw new Error(JSON.stringify(result));
    expect(result.bytes.toString("latin1")).not.toContain(evil);
    expect(result.changes.map(({ field }) => field)).toContain("From");
    await expectIdentity(result.bytes, allowed);
  });
});

describe("a plain From passes byte for byte", () => {
  it.each(Object.entries(plainValues))("%s", async (_, value) => {
    const result = send(withFrom(value));
    if (result.kind !== "sent") throw new Error(JSON.stringify(result));
    expect(result.bytes.toString("latin1")).toContain(`\r\nFrom: ${value}\r\n`);
    expect(result.changes.map(({ field }) => field)).toEqual(["Date", "Message-ID"]);
    await expectIdentity(result.bytes, allowed);
  });
});

describe("a head that two readers may cut differently is refused", () => {
  it.each(Object.entries(refusedHeads))("%s", (_, head) => {
    expect(send(`${head}body\r\n`, lenient).kind).toBe("malformed");
  });
});

describe("an identity in the wrong place does not count", () => {
  it.each(Object.entries(harmlessHeads))("%s", async (_, head) => {
    const result = send(`${head}body\r\n`);
    if (result.kind !== "sent") throw new Error(JSON.stringify(result));
    await expectIdentity(result.bytes, allowed);
  });
});

describe("the judge itself", () => {
  const judged = (head: string) => expectIdentity(Buffer.from(`${head}\r\n\r\nbody\r\n`, "latin1"), allowed);

  it("passes a plain message", async () => {
    await judged(`From: ${ok}\r\nSender: Portal <${ok}>`);
  });

  it.each([
    `From: ${evil}`,
    `From: ${ok}\r\nFrom: ${evil}`,
    `From: ${ok}\r\nfrom : ${evil}`,
    `From: ${ok}, ${evil}`,
    `From: "${evil}" <${ok}>`,
    `From: ${ok}\r\nSender: ${evil}`,
    `From: ${ok}\r\nResent-From: ${evil}`,
    `From: ${ok}\r\nSubject: a\rFrom: ${evil}`,
    "Subject: x",
  ])("fails %j", async (head) => {
    await expect(judged(head)).rejects.toThrow();
  });
});
