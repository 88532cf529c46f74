/**
 * The words of the journal's files: which file is a day's, and what a line of it says.
 *
 * Promises: a line that a crash tore is no line.
 */
import type { JournalLine } from "./journal.ts";

/** The name of a day's file; its first group is the day, YYYY-MM-DD. */
export const DAY_FILE = /^(\d{4}-\d\d-\d\d)\.jsonl$/;

/** The name of a day's index. */
export const INDEX_FILE = /^\d{4}-\d\d-\d\d\.idx$/;

/** Where the index of a day's file stands. */
export function indexFileOf(path: string): string {
  return path.replace(/\.jsonl$/, ".idx");
}

/** Undefined for what is no JSON. */
export function parseLine(text: string): JournalLine | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
