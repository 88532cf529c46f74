import { describe, expect, it } from "vitest";
import { LineCanonicaliser } from "../../../src/mail/lines.ts";
import { MessageReader } from "../../../src/mail/reader.ts";

function canonical(...chunks: string[]): string {
  const lines = new LineCanonicaliser();
  const out = [...chunks.flatMap((chunk) => lines.push(Buffer.from(chunk, "latin1"))), ...lines.end()];
  return Buffer.concat(out).toString("latin1");
}

function read(...chunks: string[]) {
  const reader = new MessageReader();
  const body = [...chunks.flatMap((chunk) => reader.push(Buffer.from(chunk, "latin1"))), ...reader.end()];
  return { reader, head: reader.head, body: Buffer.concat(body).toString("latin1") };
}

describe("LineCanonicaliser", () => {
  it("passes clean bytes on without a copy", () => {
    const chunk = Buffer.from("a\r\nb\r\n");
    expect(new LineCanonicaliser().push(chunk)).toEqual([chunk]);
    expect(new LineCanonicaliser().push(chunk)[0]?.buffer).toBe(chunk.buffer);
  });

  it.each([
    ["a\nb\n", "a\r\nb\r\n"],
    ["a\rb\r", "a\r\nb\r\n"],
    ["\n", "\r\n"],
    ["a\r\r\nb", "a\r\n\r\nb\r\n"],
    ["a\n\rb", "a\r\n\r\nb\r\n"],
    ["a", "a\r\n"],
    ["", ""],
    ["a\r\0\nb\0", "a\r\nb\r\n"],
  ])("makes %j %j", (input, output) => {
    expect(canonical(input)).toBe(output);
    expect(canonical(...input)).toBe(output);
  });

  const smuggling = [
    "\n.\n",
    "\r\n.\n",
    "\n.\r\n",
    "\r.\r",
    "\r\n.\r",
    "\r.\r\n",
    "\n.\r",
    "\r.\n",
    "\r\n.\r\r\n",
    "\r\n\0.\r\n",
  ];
  it.each(smuggling)("leaves nothing of %j that a lenient reader could take for another line end", (end) => {
    for (let cut = 0; cut <= end.length; cut++) {
      const out = canonical(`a${end.slice(0, cut)}`, `${end.slice(cut)}MAIL FROM:<x@y>\r\n`);
      expect(out).not.toMatch(/\0|\r(?!\n)|(?<!\r)\n/);
      expect(out).toMatch(/^a\r\n\.\r\n(\r\n)?MAIL FROM:<x@y>\r\n$/);
    }
  });

  it("counts what it gave out and sees 8-bit and NUL", () => {
    const lines = new LineCanonicaliser();
    lines.push(Buffer.from("ab\ncd"));
    expect([lines.sizeBytes, lines.hasEightBit, lines.firstNulAt]).toEqual([6, false, undefined]);
    lines.push(Buffer.from("e\0f\0\xe9", "latin1"));
    lines.end();
    expect([lines.sizeBytes, lines.hasEightBit, lines.firstNulAt]).toEqual([11, true, 7]);
  });
});

describe("MessageReader", () => {
  it("gives the head aside and the body out", () => {
    const { reader, head, body } = read("Subject: x\r\nFrom: a@b\r\n", "\r\nbo", "dy\r\n");
    expect(head.kind === "complete" && head.head.fields.map(({ name }) => name)).toEqual(["subject", "from"]);
    expect(body).toBe("body\r\n");
    expect(reader.sizeBytes).toBe(31);
    expect(reader.hasEightBit).toBe(false);
  });

  it("gives the body out as soon as the head is complete", () => {
    const reader = new MessageReader();
    expect(reader.push(Buffer.from("Subject: x\r\n\r"))).toEqual([]);
    expect(reader.head.kind).toBe("complete");
    expect(Buffer.concat(reader.push(Buffer.from("\nbody\r\n"))).toString()).toBe("body\r\n");
  });

  it("refuses a NUL in the head, and gives no body then", () => {
    const { head, body } = read("Subject: a\0b\r\n\r\nbody\r\n", "more\r\n");
    expect(head).toEqual({ kind: "refused", problem: "the header holds a NUL character" });
    expect(body).toBe("");
  });

  it("drops a NUL in the body", () => {
    expect(read("Subject: a\r\n\r\n\0bo\0dy\r\n")).toMatchObject({
      head: { kind: "complete" },
      body: "body\r\n",
    });
    expect(read("just text \0 here\r\n")).toMatchObject({
      head: { kind: "complete" },
      body: "just text  here\r\n",
    });
  });

  it("takes an empty message for an empty head and body", () => {
    expect(read()).toMatchObject({
      head: { kind: "complete", head: { fields: [], separated: false } },
      body: "",
    });
  });
});
