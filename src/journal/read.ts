/**
 * Reading the journal: what happened between two times, oldest first.
 *
 * Promises: streams, so that a day of a million lines costs no memory; lines that a crash tore are passed over.
 */
import { createReadStream } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { JournalLine } from "./journal.ts";

const TAIL_BYTES = 256 * 1024;
const DAY = /^(\d{4}-\d\d-\d\d)\.jsonl$/;

/**
 * Yields the lines with `fromMs <= at <= toMs` (milliseconds since 1970) that contain `text`, if it is given. Without
 * `toMs` also those that a clock which was ahead dated in the future.
 */
export async function* readJournal(
  folder: string,
  range: { fromMs: number; toMs?: number; text?: string },
): AsyncGenerator<JournalLine> {
  const from = new Date(range.fromMs).toISOString();
  const to = range.toMs === undefined ? "9999" : new Date(range.toMs).toISOString();
  const [first, last] = [from.slice(0, 10), to.slice(0, 10)];
  for (const name of (await readdir(folder)).sort()) {
    const day = DAY.exec(name)?.[1];
    if (day === undefined || day < first || day > last) continue;
    for await (const text of createInterface({ input: createReadStream(join(folder, name)) })) {
      if (range.text !== undefined && !text.includes(range.text)) continue;
      const line = parseLine(text);
      if (line && line.at >= from && line.at <= to) yield line;
    }
  }
}

function parseLine(text: string): JournalLine | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** When the last line was written, milliseconds since 1970; undefined when there is none. */
export async function lastLineMs(folder: string): Promise<number | undefined> {
  for (const name of (await readdir(folder))
    .filter((name) => DAY.test(name))
    .sort()
    .reverse()) {
    const file = await open(join(folder, name), "r");
    try {
      const { size } = await file.stat();
      const length = Math.min(size, TAIL_BYTES);
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
      const line = buffer
        .toString("utf8")
        .split("\n")
        .reverse()
        .map(parseLine)
        .find((line) => line?.at !== undefined);
      if (line) return Date.parse(line.at);
    } finally {
      await file.close();
    }
  }
  return undefined;
}
