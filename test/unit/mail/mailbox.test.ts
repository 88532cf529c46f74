import { describe, expect, it } from "vitest";
import { parseAddress } from "../../../src/mail/address.ts";
import { isSafeName, toPhrase } from "../../../src/mail/display-name.ts";
import { parseMailbox, writeMailbox } from "../../../src/mail/mailbox.ts";

// The refusals are in test/property/evil-from.ts, each against the three parsers.

describe("parseMailbox", () => {
  it.each([
    ["a@b.example", "a@b.example", "", true],
    ["<a@b.example>", "a@b.example", "", true],
    ["Name <a@b.example>", "a@b.example", "Name", true],
    ['"Last, First" <a@b.example>', "a@b.example", '"Last, First"', true],
    ["J\xf6rg <a@b.example>", "a@b.example", "J\xf6rg", true],
    ["=?utf-8?q?J=C3=B6rg?= <a@b.example>", "a@b.example", "=?utf-8?q?J=C3=B6rg?=", true],
    ["<a@[IPv6:::1]>", "a@[ipv6:::1]", "", false],
    ["a@B.example", "a@b.example", "", false],
    ["a@b.example (Name)", "a@b.example", "Name", false],
    ["a@b.example (Last, First)", "a@b.example", '"Last, First"', false],
    ["root", "root@host.example", "", false],
    ["<root>", "root@host.example", "", false],
    ["root (Cron Daemon)", "root@host.example", "Cron Daemon", false],
    ['"(Cron Daemon)" <root>', "root@host.example", '"(Cron Daemon)"', false],
    ["[SYSTEM] Alerts <a@b.example>", "a@b.example", '"[SYSTEM] Alerts"', false],
    [". x <a@b.example>", "a@b.example", '". x"', false],
    ["a@b.example <a@b.example>", "a@b.example", "", false],
  ])("reads %j", (value, address, displayName, canonical) => {
    expect(parseMailbox(value, "host.example")).toEqual({
      ok: true,
      mailbox: { address, displayName, canonical },
    });
  });

  it.each([
    ["", "is empty"],
    ["a@b.example, c@d.example", "more than one mailbox"],
    ["<a@b.example> <c@d.example>", "more than one mailbox"],
    ["staff: a@b.example;", "group"],
    ["<@r.example:a@b.example>", "source route"],
    ["(x) a@b.example", "comment"],
    ['"x <a@b.example>', "unclosed quote"],
    ["=?utf-8?q?a?=", "encoded word"],
    ["p\xf6rtal@b.example", "outside ASCII"],
    ["a\0@b.example", "control character"],
    ["a b@c.example", "not one plain address"],
  ])("refuses %j and says why", (value, problem) => {
    expect(parseMailbox(value, "host.example")).toMatchObject({
      ok: false,
      problem: expect.stringContaining(problem),
    });
  });

  it("reads the longest value there can be in no time, whatever it is made of", () => {
    for (const part of ['"', '\\"', '"\\', "(", "<", "=?", "=?a?q?", "a ", "a,", ":", "@", "\xf6"]) {
      expect(parseMailbox(`x${part.repeat(16_000 / part.length)}`, "h")).toBeDefined();
    }
  });
});

describe("writeMailbox", () => {
  const address = parseAddress("a@b.example")!;

  it("writes a safe name and leaves an unsafe one out", () => {
    expect(writeMailbox("Name", address)).toBe("Name <a@b.example>");
    expect(writeMailbox("", address)).toBe("a@b.example");
    expect(writeMailbox('"c@d.example"', address)).toBe("a@b.example");
    expect(writeMailbox('"a@b.example"', address)).toBe('"a@b.example" <a@b.example>');
  });
});

it("turns free text into a phrase", () => {
  expect(toPhrase("Cron Daemon")).toBe("Cron Daemon");
  expect(toPhrase("a, b")).toBe('"a, b"');
});

it("finds no fault with names in any language", () => {
  const names = ["Jörg Müller", "山田太郎", "Ελένη", "Łukasz", "Team 🚀"].flatMap((name) => [
    Buffer.from(name).toString("latin1"),
    `=?UTF-8?B?${Buffer.from(name).toString("base64")}?=`,
  ]);
  expect(names.filter((name) => !isSafeName(name, "a@b.example"))).toEqual([]);
});
