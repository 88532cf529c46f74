import { describe, expect, test } from "vitest";
import {
  headOf,
  readInput,
  recipientsIn,
  wirePieces,
  withFullName,
} from "../../../src/cli/sendmail-message.ts";
import { senderNamed, senderOf } from "../../../src/cli/sendmail-sender.ts";

async function* inPieces(text: string, sizeBytes: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes);
}

const read = (
  text: string,
  {
    dots = "end",
    maxBytes = 1000,
    piece = 1000,
  }: Partial<Record<"maxBytes" | "piece", number>> & { dots?: "end" | "text" } = {},
) => readInput(inPieces(text, piece), { dots, maxBytes });

describe("the input", () => {
  test.each([
    ["a\n.\nb", "a\n"],
    ["a\r\n.\r\nb", "a\r\n"],
    [".\nb", ""],
    ["a\n..\n.x\n .\nx.\n", "a\n..\n.x\n .\nx.\n"],
    ["a\n.", "a\n."],
    ["a\r.\rb", "a\r.\rb"],
    ["a\n\n.\n.\n", "a\n\n"],
    ["", ""],
  ])("%j ends at a line with only a dot: %j, however it is cut", async (text, kept) => {
    for (const piece of [1, 2, 3, 4, 1000]) {
      const { bytes, sizeBytes } = await read(text, { piece });
      expect([bytes.toString("latin1"), sizeBytes]).toEqual([kept, kept.length]);
    }
  });

  test("with -i the dot is text", async () => {
    expect((await read("a\n.\nb", { dots: "text", piece: 1 })).bytes.toString()).toBe("a\n.\nb");
  });

  test("is counted to its end, but not kept, when it is too big", async () => {
    const { bytes, sizeBytes } = await read("x".repeat(10_000), { maxBytes: 100, piece: 60 });
    expect(sizeBytes).toBe(10_000);
    expect(bytes.length).toBe(120);
  });
});

describe("the recipients in a head", () => {
  test.each([
    ["To: a@b\nCc: c@d\nBcc: e@f\nSubject: g@h\n\nTo: i@j\n", ["a@b", "c@d", "e@f"]],
    ["to : A <a@b>,\n  c@d\nTO: e@f\n", ["a@b", "c@d", "e@f"]],
    ["From root Mon Jan  1\nTo: a@b\n\n", ["a@b"]],
    ["To: a@b\r\nBcc: \r\n\r\n", ["a@b"]],
    ["Resent-From: x@y\nResent-To: c@d\nResent-Bcc: e@f\nTo: a@b\nBcc: g@h\n\n", ["c@d", "e@f"]],
    ["hello\nTo: a@b\n", []],
  ])("of %j are %j", (text, recipients) => {
    const state = headOf(Buffer.from(text));
    expect(state.kind === "complete" && recipientsIn(state.head)).toEqual({ ok: true, recipients });
  });

  test("one that cannot be read refuses them all", () => {
    const state = headOf(Buffer.from("To: a@b\nCc: no address\n\n"));
    expect(state.kind === "complete" && recipientsIn(state.head)).toMatchObject({ ok: false });
  });
});

describe("the From that -F asks for", () => {
  const ann = senderOf("ann")!;
  test.each([
    ["Subject: x\n\nhi\n", "From: The Name <ann>\nSubject: x\n\nhi\n"],
    ["From root Mon\nSubject: x\n\nhi\n", "From root Mon\nFrom: The Name <ann>\nSubject: x\n\nhi\n"],
    ["\nhi\n", "From: The Name <ann>\n\nhi\n"],
    ["hi\n", "From: The Name <ann>\n\nhi\n"],
    [" indented\n", "From: The Name <ann>\n\n indented\n"],
    ["From: x@y\n\nhi\n", "From: x@y\n\nhi\n"],
    ["", "From: The Name <ann>\n\n"],
  ])("%j becomes %j", (text, now) => {
    expect(withFullName(Buffer.from(text), "The Name", ann).toString()).toBe(now);
  });

  test("a name is quoted where it must be, and left out where it could be taken for an address", () => {
    const named = (name: string) => withFullName(Buffer.from("\n"), name, ann).toString();
    expect(named("Last, First")).toBe('From: "Last, First" <ann>\n\n');
    expect(named("J\u00f6rg")).toBe("From: J\u00f6rg <ann>\n\n");
    expect(named("boss@else.example")).toBe("\n");
    expect(named(" ")).toBe("\n");
  });

  test("the null sender has no name", () => {
    expect(withFullName(Buffer.from("\n"), "Name", senderOf("")!).toString()).toBe("\n");
  });
});

test.each([
  ["ann", "ann"],
  ["a.b-c_d", "a.b-c_d"],
  ["HOST$", "HOST$"],
  ["LAB\\ann", '"LAB\\\\ann"'],
  ["ann lee", '"ann lee"'],
])("the login name %j is %j before the @", (name, local) => {
  expect(senderNamed(name)).toBe(local);
});

describe("the bytes on the wire", () => {
  test.each([
    ["a\nb\n", "a\r\nb\r\n.\r\n"],
    ["a\r\nb", "a\r\nb\r\n.\r\n"],
    [".\n..\nx.\n", "..\r\n...\r\nx.\r\n.\r\n"],
    ["a\r.\rb\0\xff\n", "a\r.\rb\0\xff\r\n.\r\n"],
    ["a\r\r\n.b", "a\r\r\n..b\r\n.\r\n"],
    ["", ".\r\n"],
  ])("of %j are %j", (text, wire) => {
    expect(Buffer.concat([...wirePieces(Buffer.from(text, "latin1"))]).toString("latin1")).toBe(wire);
  });

  test("are the same wherever a long message is cut in pieces", () => {
    const text = ".line\n..\n\n".repeat(250_000);
    const pieces = [...wirePieces(Buffer.from(text))];
    expect(pieces.length).toBeGreaterThan(2);
    const whole = `${text.replaceAll("\n", "\r\n").replace(/^\./gm, "..")}.\r\n`;
    expect(Buffer.concat(pieces).equals(Buffer.from(whole))).toBe(true);
  });
});
