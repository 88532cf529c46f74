import { describe, expect, it } from "vitest";
import type { Path } from "../../../src/mail/address.ts";
import { domainAllowed, resolveRecipient } from "../../../src/policy/recipients.ts";
import { address } from "../../golden/relay.ts";

const ops = address("ops@lab.wisc.edu");
const dba = address("dba@lab.wisc.edu");
const policy = {
  hostname: "app01.internal",
  aliases: new Map([
    ["root", ops],
    ["postmaster", ops],
    ["*@app01.internal", dba],
    ["oracle@app01.internal", ops],
    ["old@lab.wisc.edu", dba],
  ]),
};
const local = (name: string): Path => ({ kind: "local", local: name });
const full = (text: string): Path => ({ kind: "address", address: address(text) });

describe("resolveRecipient", () => {
  it.each([
    ["an unqualified name as it is", local("root"), ops, "root"],
    ["an unqualified name with @hostname", local("oracle"), ops, "oracle@app01.internal"],
    ["an unqualified name by pattern", local("backup"), dba, "*@app01.internal"],
    ["postmaster in any case", local("Postmaster"), ops, "postmaster"],
    [
      "an address by its own alias, before an earlier pattern",
      full("oracle@app01.internal"),
      ops,
      "oracle@app01.internal",
    ],
    ["an address by pattern", full("x@app01.internal"), dba, "*@app01.internal"],
    ["an address elsewhere by alias", full("old@lab.wisc.edu"), dba, "old@lab.wisc.edu"],
  ])("finds %s", (_, path, target, alias) => {
    expect(resolveRecipient(policy, path)).toEqual({ ok: true, address: target, alias });
  });

  it("leaves other addresses alone, and does not look an alias up again", () => {
    expect(resolveRecipient(policy, full("a@b.example"))).toEqual({ ok: true, address: "a@b.example" });
    expect(resolveRecipient(policy, full("root@b.example"))).toEqual({ ok: true, address: "root@b.example" });
    const chain = new Map([
      ["a", address("b@c.example")],
      ["b@c.example", ops],
    ]);
    expect(resolveRecipient({ hostname: "h", aliases: chain }, local("a"))).toMatchObject({
      address: "b@c.example",
    });
  });

  it("refuses an unqualified name without an alias, naming the key", () => {
    expect(resolveRecipient({ hostname: "h", aliases: new Map() }, local("root"))).toMatchObject({
      ok: false,
      reply: { code: 550, enhanced: "5.1.1", text: expect.stringMatching(/root.*recipients\.aliases/) },
    });
  });

  it("refuses the null path", () => {
    expect(resolveRecipient(policy, { kind: "null" })).toMatchObject({
      ok: false,
      reply: { code: 501, enhanced: "5.1.3" },
    });
  });
});

it("keeps an account to its domains", () => {
  const allowed = ["wisc.edu", "*.wisc.edu"];
  expect(domainAllowed(allowed, address("a@wisc.edu"))).toBe(true);
  expect(domainAllowed(allowed, address("a@lab.WISC.edu"))).toBe(true);
  expect(domainAllowed(allowed, address("a@evilwisc.edu"))).toBe(false);
  expect(domainAllowed(allowed, address("a@wisc.edu.evil.example"))).toBe(false);
  expect(domainAllowed([], address("a@b.example"))).toBe(true);
});
