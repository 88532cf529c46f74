import { describe, expect, it } from "vitest";
import {
  domainOf,
  isDomain,
  localOf,
  parseAddress,
  parseCommandArgument,
  qualify,
} from "../../../src/mail/address.ts";

describe("parseAddress", () => {
  it.each([
    ["a@b", "a@b"],
    ["Portal+x@LAB.Wisc.EDU", "Portal+x@lab.wisc.edu"],
    ["root@app_01.internal", "root@app_01.internal"],
    ["root@[127.0.0.1]", "root@[127.0.0.1]"],
    ["root@[IPv6:::1]", "root@[ipv6:::1]"],
    ['"john doe"@b.example', '"john doe"@b.example'],
    ['"a@b"@c.example', '"a@b"@c.example'],
    ["!#$%&'*+-/?=^_`{|}~@b", "!#$%&'*+-/?=^_`{|}~@b"],
    ["a@xn--lb-via.example", "a@xn--lb-via.example"],
    [`${"l".repeat(64)}@b`, `${"l".repeat(64)}@b`],
  ])("reads %s", (text, address) => {
    expect(parseAddress(text)).toBe(address);
  });

  it.each([
    "",
    "a",
    "@b",
    "a@",
    "a@b@c",
    "a b@c",
    " a@b",
    "a@b ",
    "<a@b>",
    ".a@b",
    "a.@b",
    "a..b@c",
    "a@b.",
    "a@.b",
    "a@b..c",
    "a@-b",
    "a@b-.c",
    "a;b,c@x",
    "a,b@x",
    "a(x)@b",
    '"a"b@c',
    '""@c',
    '"a<b"@c',
    '"a>b"@c',
    '"a\r\nb"@c',
    "a@[127.0.0]",
    "a@[evil]",
    "a@[IPv6:fe80::1%eth0]",
    "=?utf-8?q?a?=@b",
    "p\xf6rtal@b",
    "a@b\u2028",
    "a@b\0",
    "a\x7f@b",
    `${"l".repeat(65)}@b`,
    `a@${"d".repeat(64)}`,
    `a@${"d.".repeat(130)}d`,
  ])("refuses %j", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it("gives the halves, cut at the last at sign", () => {
    const address = parseAddress('"a@b"@C.example')!;
    expect(localOf(address)).toBe('"a@b"');
    expect(domainOf(address)).toBe("c.example");
  });
});

it("knows a domain from other text", () => {
  expect(["localhost", "a.b", "[127.0.0.1]", "[IPv6:::1]"].every(isDomain)).toBe(true);
  expect(["", "a b", "a.", "[x]", "a\r\nb", "(a)"].some(isDomain)).toBe(false);
});

describe("parseCommandArgument", () => {
  it.each([
    ["<a@b.example>", "a@b.example"],
    [" <a@b.example>", "a@b.example"],
    ["a@b.example", "a@b.example"],
    ["  a@b.example  ", "a@b.example"],
    ["< a@b.example >", "a@b.example"],
    ["<a@B.Example.>", "a@b.example"],
    ['"john doe"@b.example', '"john doe"@b.example'],
    ["<a@app_01>", "a@app_01"],
  ])("reads %j as old programs mean it", (raw, address) => {
    expect(parseCommandArgument(raw)).toMatchObject({ ok: true, path: { kind: "address", address } });
  });

  it.each(["root", "<root>", " <root>"])("reads %j as an unqualified name", (raw) => {
    expect(parseCommandArgument(raw)).toMatchObject({ ok: true, path: { kind: "local", local: "root" } });
  });

  it("reads the null path", () => {
    expect(parseCommandArgument("<>")).toMatchObject({ ok: true, path: { kind: "null" } });
  });

  it("reads parameters, keywords in upper case", () => {
    const read = parseCommandArgument("<a@b> size=1000 BODY=8BITMIME SMTPUTF8");
    expect(read.ok && [...read.parameters]).toEqual([
      ["SIZE", "1000"],
      ["BODY", "8BITMIME"],
      ["SMTPUTF8", true],
    ]);
  });

  it.each([
    ["<@evil.example:a@b>", "source routes"],
    ["<a@b", "closing >"],
    ["<a@b>SIZE=1", "space is missing"],
    ["<a@b> SIZE=", "malformed"],
    ["<a@b> SIZE=1 SIZE=2", "twice"],
    ["<a@b> <c@d>", "malformed"],
    ["", "the address is missing"],
    ["  ", "the address is missing"],
    ["<  >", "blank"],
    ["<a;b,c@x>", "not one plain address"],
    ["<a@b,c@d>", "not one plain address"],
    ["a@b,c@d", "not one plain address"],
    ["<a@b\r\nRCPT TO:<x@y>>", "control"],
    ["<a@b\0>", "control"],
    ["<p\xf6rtal@b>", "8-bit"],
    ['<"a> SIZE=1"@b>', "."],
    ["<=?utf-8?q?a?=@b>", "not one plain address"],
  ])("refuses %j and says why", (raw, problem) => {
    expect(parseCommandArgument(raw)).toMatchObject({ ok: false, problem: expect.stringMatching(problem) });
  });
});

it("qualifies a name with the host's name and leaves the rest alone", () => {
  expect(qualify({ kind: "local", local: "root" }, "App01.internal")).toBe("root@app01.internal");
  expect(qualify({ kind: "address", address: parseAddress("a@b")! }, "h")).toBe("a@b");
  expect(qualify({ kind: "null" }, "h")).toBeUndefined();
});
