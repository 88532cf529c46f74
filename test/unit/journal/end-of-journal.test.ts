/** The end of the journal, read backwards: all lines of its last seconds and no other, wherever pieces and days end. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { JournalLine } from "../../../src/journal/journal.ts";
import { endOfJournal } from "../../../src/journal/read.ts";
import { testFolder } from "../../support/folder.ts";

const NOON = Date.parse("2026-03-01T12:00:00Z");
const SPAN_MS = 10_000;
const PIECE_BYTES = 256 * 1024;

/** A line of a second after noon, or before it; its reason is as long as the test wants. */
function line(second: number, id: string, reason = ""): string {
  const at = new Date(NOON + second * 1000).toISOString();
  return `${JSON.stringify({ at, event: "deleted", id, account: null, sender: null, by: "operator", reason })}\n`;
}

async function endOf(files: Record<string, string>) {
  const folder = await testFolder();
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const end = await endOfJournal(folder, SPAN_MS);
  return end && { lastMs: end.lastMs, ids: end.lines.map(({ id }: JournalLine) => id) };
}

test("of a quiet journal it has the lines of the last ten seconds, the last one first", async () => {
  const text = line(-11, "a") + line(-10, "b") + line(-3, "c") + line(0, "d");
  expect(await endOf({ "2026-03-01.jsonl": text })).toEqual({ lastMs: NOON, ids: ["d", "c", "b"] });
});

test("there is none in a folder without a line", async () => {
  expect(await endOf({})).toBeUndefined();
  expect(await endOf({ "2026-03-01.jsonl": "", "notes.txt": line(0, "a") })).toBeUndefined();
});

test("lines that lie across the pieces that are read are whole, whatever their letters", async () => {
  for (const shift of [0, 1, 2, 3]) {
    const ids = Array.from({ length: 900 }, (_, n) => `m${n}`);
    const text = ids.map((id) => line(0, id, "ü€".repeat(199 + shift))).join("");
    expect(Buffer.byteLength(text)).toBeGreaterThan(3 * PIECE_BYTES);
    const end = await endOf({ "2026-03-01.jsonl": line(-20, "before") + text });
    expect(end?.ids).toEqual(ids.toReversed());
  }
});

test("a line that is longer than what is read at once is whole too", async () => {
  const text = line(-2, "a") + line(-1, "long", "x".repeat(3 * PIECE_BYTES)) + line(0, "c");
  expect(await endOf({ "2026-03-01.jsonl": text })).toEqual({ lastMs: NOON, ids: ["c", "long", "a"] });
});

test("a file that a piece ends with exactly, and one that is cut between two lines, lose none", async () => {
  const rest = line(0, "b");
  for (const offBytes of [-1, 0, 1]) {
    const last = line(0, "c", "x".repeat(PIECE_BYTES - line(0, "c").length + offBytes));
    expect((await endOf({ "2026-03-01.jsonl": rest + last }))?.ids).toEqual(["c", "b"]);
  }
});

test("lines that a crash tore are passed over, at the end and in between", async () => {
  const text = `${line(-2, "a")}{"at":"2026-03\n${line(-1, "b")}\n7\n{"at":"2026-03-01T12:00`;
  expect(await endOf({ "2026-03-01.jsonl": text })).toEqual({ lastMs: NOON - 1000, ids: ["b", "a"] });
});

test("the last seconds may begin in the file of the day before, and a day without a line is passed over", async () => {
  const midnight = 12 * 3600;
  const files = {
    "2026-03-01.jsonl": line(midnight - 60, "a") + line(midnight - 4, "b"),
    "2026-03-02.jsonl": line(midnight + 1, "c"),
    "2026-03-03.jsonl": "",
  };
  expect((await endOf(files))?.ids).toEqual(["c", "b"]);
});
