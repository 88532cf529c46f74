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
import { DAY_FILE, parseLine } from "./lines.ts";

const PIECE_BYTES = 256 * 1024;

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
    const day = DAY_FILE.exec(name)?.[1];
    if (day === undefined || day < first || day > last) continue;
    for await (const text of createInterface({ input: createReadStream(join(folder, name)) })) {
      if (range.text !== undefined && !text.includes(range.text)) continue;
      const line = parseLine(text);
      if (line && line.at >= from && line.at <= to) yield line;
    }
  }
}

/**
 * The end of the journal: when its last line was written (milliseconds since 1970), and the lines of the `spanMs` before
 * that. Undefined when there is none. Reads backwards: a day of a million lines costs as much as a quiet one.
 */
export async function endOfJournal(
  folder: string,
  spanMs: number,
): Promise<{ readonly lastMs: number; readonly lines: readonly JournalLine[] } | undefined> {
  const lines: JournalLine[] = [];
  for await (const line of newestFirst(folder)) {
    const lastMs = Date.parse((lines[0] ?? line).at);
    if (Date.parse(line.at) < lastMs - spanMs) return { lastMs, lines };
    lines.push(line);
  }
  return lines[0] && { lastMs: Date.parse(lines[0].at), lines };
}

/** All lines, the last one first. */
export async function* newestFirst(folder: string): AsyncGenerator<JournalLine> {
  const days = (await readdir(folder)).filter((name) => DAY_FILE.test(name)).sort();
  for (const name of days.reverse()) yield* backwards(join(folder, name));
}

/** The lines of a file, the last one first; torn ones are passed over. */
async function* backwards(path: string): AsyncGenerator<JournalLine> {
  const file = await open(path, "r");
  try {
    let rest = Buffer.alloc(0); // the beginning of it is the end of a line whose beginning is not read yet
    for (let end = (await file.stat()).size; end > 0; ) {
      const start = Math.max(0, end - PIECE_BYTES);
      const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
      const bytes = Buffer.concat([buffer, rest]);
      // A line may be longer than a piece: then none of it is whole yet.
      const whole = start === 0 ? 0 : bytes.indexOf(10) + 1 || bytes.length;
      rest = bytes.subarray(0, whole);
      end = start;
      for (const text of bytes.subarray(whole).toString("utf8").split("\n").reverse()) {
        const line = parseLine(text);
        if (line?.at !== undefined) yield line;
      }
    }
  } finally {
    await file.close();
  }
}
