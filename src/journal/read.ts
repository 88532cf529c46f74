/**
 * Reading the journal: what happened between two times, oldest first.
 *
 * Promises: streams, so that a day of a million lines costs no memory; lines that a crash tore are passed over.
 */
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { JournalLine } from "./journal.ts";

const DAY = /^(\d{4}-\d\d-\d\d)\.jsonl$/;

/** Yields the lines with `fromMs <= at <= toMs` (milliseconds since 1970) that contain `text`, if it is given. */
export async function* readJournal(
  folder: string,
  range: { fromMs: number; toMs: number; text?: string },
): AsyncGenerator<JournalLine> {
  const first = dayOf(range.fromMs);
  const last = dayOf(range.toMs);
  const from = new Date(range.fromMs).toISOString();
  const to = new Date(range.toMs).toISOString();
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

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
