import { describe, expect, it } from "vitest";
import { HeadCollector, splitHead } from "../../../src/mail/head.ts";

function split(text: string) {
  const bytes = Buffer.from(text, "latin1");
  const state = splitHead(bytes);
  if (state.kind === "refused") return state;
  return { ...state, names: state.head.fields.map(({ name }) => name), body: text.slice(state.bodyStart) };
}

describe("where the head ends", () => {
  it.each([
    ["at the empty line", "A: 1\r\nB: 2\r\n\r\nbody\r\n", ["a", "b"], "body\r\n"],
    ["at the end, without a body", "A: 1\r\n", ["a"], ""],
    ["at a line that is no field", "A: 1\r\njunk\r\nB: 2\r\n\r\n", ["a"], "junk\r\nB: 2\r\n\r\n"],
    ["at once, when the first line is no field", "hello world\r\n", [], "hello world\r\n"],
    ["at once, when the first line is indented text", "  hello world\r\n", [], "  hello world\r\n"],
    ["at once, when the first line is empty", "\r\nA: 1\r\n", [], "A: 1\r\n"],
    ["at a name that is not ASCII", "A: 1\r\nB\xe9: 2\r\n\r\n", ["a"], "B\xe9: 2\r\n\r\n"],
    ["at a field without a name", ": 1\r\n", [], ": 1\r\n"],
  ])("%s", (_, text, names, body) => {
    expect(split(text)).toMatchObject({ kind: "complete", names, body });
  });

  it("tells whether an empty line ended it", () => {
    expect(split("A: 1\r\n\r\n")).toMatchObject({ head: { separated: true } });
    expect(split("A: 1\r\njunk\r\n")).toMatchObject({ head: { separated: false } });
  });

  it("keeps the line of a mailbox file apart", () => {
    const read = split("From a@b Mon Jan  5 10:00:00 2026\r\nA: 1\r\n\r\n");
    expect(read).toMatchObject({ kind: "complete", names: ["a"] });
    expect(read.kind === "complete" && read.head.mboxLine?.toString()).toBe(
      "From a@b Mon Jan  5 10:00:00 2026\r\n",
    );
  });

  it.each([
    ["a line of spaces between fields", "A: 1\r\n \t\r\nB: 2\r\n\r\n", /nothing but spaces/],
    ["a line of spaces in place of the empty line", "A: 1\r\n \r\nbody\r\n", /nothing but spaces/],
    ["a field that begins with a space on the first line", " A: 1\r\nB: 2\r\n\r\n", /begins with a space/],
  ])("refuses %s", (_, text, problem) => {
    expect(split(text)).toMatchObject({ kind: "refused", problem: expect.stringMatching(problem) });
  });
});

describe("a field", () => {
  it("has a lower-case name, its own bytes and an unfolded value", () => {
    const read = split("X-Long:  one\r\n two\r\n\tthree \r\nNext: 1\r\n\r\n");
    const field = read.kind === "complete" ? read.head.fields[0] : undefined;
    expect(field?.name).toBe("x-long");
    expect(field?.raw.toString()).toBe("X-Long:  one\r\n two\r\n\tthree \r\n");
    expect(field?.value()).toBe("one two\tthree");
  });

  it("may have a space before the colon, and raw 8-bit bytes", () => {
    const read = split("Subject : caf\xe9\r\n\r\n");
    const field = read.kind === "complete" ? read.head.fields[0] : undefined;
    expect([field?.name, field?.value()]).toEqual(["subject", "caf\xe9"]);
  });
});

describe("limits", () => {
  const field = (length: number) => `A: ${"x".repeat(length - 5)}\r\n`;

  it("takes a field of 16,000 bytes, not of one more", () => {
    expect(split(`${field(16_000)}\r\n`).kind).toBe("complete");
    expect(split(`${field(16_001)}\r\n`)).toMatchObject({
      problem: expect.stringMatching(/field is over 16000 bytes/),
    });
    expect(split(`${field(9_000)} ${field(9_000)}\r\n`)).toMatchObject({ kind: "refused" });
  });

  it("takes a head of 100,000 bytes, not of one more", () => {
    expect(split(`${field(10_000).repeat(10)}\r\n`).kind).toBe("complete");
    expect(split(`${field(10_000).repeat(9)}${field(10_001)}\r\n`)).toMatchObject({
      problem: expect.stringMatching(/header is over 100000 bytes/),
    });
  });

  it("takes 1,000 fields, not one more", () => {
    expect(split(`${"A: 1\r\n".repeat(1000)}\r\n`).kind).toBe("complete");
    expect(split(`${"A: 1\r\n".repeat(1001)}\r\n`)).toMatchObject({
      problem: expect.stringMatching(/1000 fields/),
    });
  });

  it("refuses an endless field before its end has come", () => {
    const collector = new HeadCollector();
    collector.push(Buffer.from("A: "));
    for (let i = 0; i < 20 && collector.state.kind === "reading"; i++)
      collector.push(Buffer.alloc(1000, "x"));
    expect(collector.state.kind).toBe("refused");
    expect(collector.push(Buffer.from("x"))).toEqual([]);
  });

  it("takes an endless first line that is no field for the body", () => {
    const collector = new HeadCollector();
    const body = Array.from({ length: 20 }, () => collector.push(Buffer.alloc(1000, "y"))).flat();
    expect(collector.state).toMatchObject({ kind: "complete", bodyStart: 0 });
    expect(Buffer.concat(body)).toHaveLength(20_000);
  });

  it("reads a head of the greatest size byte by byte", () => {
    const whole = Buffer.from(`${field(10_000).repeat(10)}\r\nbody`);
    const collector = new HeadCollector();
    const body = Array.from(whole, (byte) => collector.push(Buffer.of(byte))).flat();
    expect(collector.state.kind).toBe("complete");
    expect(Buffer.concat(body).toString()).toBe("body");
  });
});
