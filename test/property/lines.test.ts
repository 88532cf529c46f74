import fc from "fast-check";
import { expect, it } from "vitest";
import { splitHead } from "../../src/mail/head.ts";
import { LineCanonicaliser } from "../../src/mail/lines.ts";
import { MessageReader } from "../../src/mail/reader.ts";
import { soaked } from "../support/runs.ts";

/** Bytes rich in line ends, NUL and fields. */
const bytes = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "\r",
        "\n",
        "\r\n",
        "\r\r\n",
        "\0",
        "a",
        " ",
        ".",
        "\r\n.\r\n",
        "Subject: x",
        "From: a@b.example",
        "\xff",
        "From x",
        " fold",
      ),
      fc.string({ maxLength: 5 }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => Buffer.from(parts.join(""), "latin1"));
const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 8 });

function cut(whole: Buffer, at: readonly number[]): Buffer[] {
  const sorted = [0, ...at.filter((place) => place <= whole.length).sort((a, b) => a - b), whole.length];
  return sorted.slice(1).map((end, i) => whole.subarray(sorted[i], end));
}

/** The naive model of lines.ts. */
function model(whole: Buffer): Buffer {
  const text = whole
    .toString("latin1")
    .replaceAll("\0", "")
    .replace(/\r\n|\r|\n/g, "\r\n");
  return Buffer.from(text === "" || text.endsWith("\r\n") ? text : `${text}\r\n`, "latin1");
}

it("the canonicaliser gives what the naive model gives, however the bytes are cut", () => {
  fc.assert(
    fc.property(bytes, cuts, (whole, at) => {
      const lines = new LineCanonicaliser();
      const out = Buffer.concat([...cut(whole, at).flatMap((chunk) => lines.push(chunk)), ...lines.end()]);
      expect(out.toString("latin1")).toBe(model(whole).toString("latin1"));
      expect(lines.sizeBytes).toBe(out.length);
      expect(lines.hasEightBit).toBe(whole.some((byte) => byte > 127));
      expect(lines.firstNulAt !== undefined).toBe(whole.includes(0));
    }),
    { numRuns: soaked(1000) },
  );
});

it("the parts of a head and the body together are the canonical bytes", () => {
  fc.assert(
    fc.property(bytes, (whole) => {
      const canonical = model(whole);
      const split = splitHead(canonical);
      if (split.kind === "refused") return;
      const { mboxLine, fields, separated } = split.head;
      const parts = [
        mboxLine ?? Buffer.alloc(0),
        ...fields.map(({ raw }) => raw),
        Buffer.from(separated ? "\r\n" : ""),
      ];
      expect(Buffer.concat([...parts, canonical.subarray(split.bodyStart)])).toEqual(canonical);
    }),
    { numRuns: soaked(1000) },
  );
});

it("the reader decides the same however the bytes are cut", () => {
  fc.assert(
    fc.property(bytes, cuts, (whole, at) => {
      const [together, apart] = [[whole], cut(whole, at)].map((chunks) => {
        const reader = new MessageReader();
        const body = Buffer.concat([...chunks.flatMap((chunk) => reader.push(chunk)), ...reader.end()]);
        const { head } = reader;
        const fields =
          head.kind === "complete" ? head.head.fields.map(({ raw }) => raw.toString("latin1")) : head;
        return {
          fields,
          body: head.kind === "complete" ? body.toString("latin1") : "",
          sizeBytes: reader.sizeBytes,
        };
      });
      expect(apart).toEqual(together);
    }),
    { numRuns: soaked(1000) },
  );
});
