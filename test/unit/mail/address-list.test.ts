import { describe, expect, it } from "vitest";
import { parseAddressList } from "../../../src/mail/address-list.ts";

describe("parseAddressList", () => {
  it.each([
    ["", []],
    [" , ,", []],
    ["root", ["root"]],
    ["a@b.example", ["a@b.example"]],
    ["a@B.Example.", ["a@b.example"]],
    ["a@b,c@d , root", ["a@b", "c@d", "root"]],
    ["a@b;c@d", ["a@b", "c@d"]],
    ["<a@b>", ["a@b"]],
    ["Name <a@b>, Other Name <c@d>", ["a@b", "c@d"]],
    ['"Last, First" <a@b>, c@d', ["a@b", "c@d"]],
    ['"a \\" quote, <x@y>" <a@b>', ["a@b"]],
    ["J\xf6rg <a@b>", ["a@b"]],
    ["=?utf-8?q?J=C3=B6rg?= <a@b>", ["a@b"]],
    ["[SYSTEM] Alerts <a@b>", ["a@b"]],
    ["Ann (who, or (once) <x@y>) <a@b> (old)", ["a@b"]],
    ["(a \\) comment, with x@y) a@b (Name)", ["a@b"]],
    ["root (Cron Daemon)", ["root"]],
    ["undisclosed-recipients:;", []],
    ["Team: a@b, Ann <c@d>; e@f", ["a@b", "c@d", "e@f"]],
    ["Team: a@b; Others: c@d;", ["a@b", "c@d"]],
    ['"john doe"@b.example', ['"john doe"@b.example']],
    ['<"a,b"@c>', ['"a,b"@c']],
    ["a@[127.0.0.1], b@[IPv6:::1]", ["a@[127.0.0.1]", "b@[ipv6:::1]"]],
    ["\t a@b \t", ["a@b"]],
  ])("%j names %j", (text, recipients) => {
    expect(parseAddressList(text)).toEqual({ ok: true, recipients });
  });

  it.each([
    ["a b@c", "not one plain address"],
    ["a@b c@d", "not one plain address"],
    ["Name without an address", "not one plain address"],
    ["a@b, c@", "c@: "],
    ["<a@b> <c@d>", "comma"],
    ["<a@b> c", "comma"],
    ["<>", "empty"],
    ["<@route:a@b>", "source route"],
    ["a:b:c;", "colon"],
    [": a@b", "colon"],
    ["a@b>", "do not match"],
    ["<a@b", "do not match"],
    ['"a@b', "do not match"],
    ["(a@b", "do not match"],
    ["a)@b", "do not match"],
    ["a[b@c", "do not match"],
    ["p\xf6rtal@b", "8-bit"],
    ["a@b\r\nRCPT TO:<c@d>", "control"],
    ["a@b: c@d", "colon"],
    ["a\n@b", "control"],
    ["a\0@b", "control"],
    ["=?utf-8?q?a?=@b", "not one plain address"],
  ])("refuses %j as a whole, and says what is wrong", (text, problem) => {
    expect(parseAddressList(text)).toEqual({ ok: false, problem: expect.stringContaining(problem) });
  });

  it("shows what it refuses in printable characters", () => {
    const read = parseAddressList("a\x1b[31m\n@b");
    expect(!read.ok && read.problem).toMatch(/^[\x20-\x7e]+$/);
  });

  it("reads the longest argument there can be in no time, whatever it is made of", () => {
    const parts = [
      '"',
      '""',
      '\\"',
      "(",
      "()",
      "(\\",
      "<",
      "<a>",
      '<"',
      "[",
      "a ",
      "a,",
      "a:",
      ";",
      "@",
      "a@b,",
      "\xf6",
    ];
    for (const part of parts) {
      for (const before of ["x", "<", '"', "("]) {
        expect(parseAddressList(`${before}${part.repeat(130_000 / part.length)}`)).toBeDefined();
      }
    }
  });
});
