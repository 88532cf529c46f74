/**
 * Searching a day of the journal for terms (terms.ts), newest line first.
 *
 * Promises: finds every line that has one of the terms, and no other, with the index of the day or without: parts that
 * the index rules out are not read, what it does not know yet is. Works beside whoever appends, rotates and prunes; a day
 * that is gone has nothing. Works in steps of a few milliseconds and lets others in between; ends when `signal` says so.
 */
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { type DayIndex, readIndex } from "./index-file.ts";
import type { JournalLine } from "./journal.ts";
import { indexFileOf, parseLine } from "./lines.ts";
import { type Piece, pieceBefore, readAt } from "./pieces.ts";
import { foldCase, hashOf, needleOf, termsOf } from "./terms.ts";

/** Above that, reading each line costs less than looking for each term. */
const MOST_NEEDLES = 8;
const NEWLINE = 10;

/** A line, and where in its day's file it begins: lines are in the order of day and place. */
export interface Found {
  readonly day: string;
  readonly place: number;
  readonly line: JournalLine;
}

/** Yields the lines of the day that have one of the terms; the last one first. */
export async function* searchDay(
  folder: string,
  day: string,
  terms: ReadonlySet<string>,
  signal?: AbortSignal,
): AsyncGenerator<Found> {
  const path = join(folder, `${day}.jsonl`);
  const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (!file) return;
  await using _ = file;
  const { size } = await file.stat();
  const index = await readIndex(indexFileOf(path), file, size);
  for await (const piece of piecesToRead(file, size, index, terms)) {
    signal?.throwIfAborted();
    for (const { place, line } of linesWith(piece).reverse()) yield { day, place, line };
  }
}

/** A piece that may have lines with these terms, and with no other. */
interface Candidate extends Piece {
  readonly terms: ReadonlySet<string>;
}

/** What is not indexed, and the blocks that the index does not rule out; from the end. */
async function* piecesToRead(
  file: FileHandle,
  size: number,
  { blocks }: DayIndex,
  terms: ReadonlySet<string>,
): AsyncGenerator<Candidate> {
  const indexed = blocks.at(-1)?.end ?? 0;
  for (let end = size; end > indexed; ) {
    const piece = await pieceBefore(file, indexed, end);
    end = piece.start;
    yield { ...piece, terms };
  }
  const hashes = [...terms].map((term) => ({ term, hash: hashOf(term) }));
  for (const { start, end, mayHave } of [...blocks].reverse()) {
    const here = hashes.filter(({ hash }) => mayHave(hash)).map(({ term }) => term);
    if (here.length > 0) yield { start, bytes: await readAt(file, start, end), terms: new Set(here) };
  }
}

function linesWith({ start, bytes, terms }: Candidate): { place: number; line: JournalLine }[] {
  const found: { place: number; line: JournalLine }[] = [];
  const folded = foldCase(bytes);
  const needles = terms.size > MOST_NEEDLES ? [""] : [...terms].map(needleOf);
  if (!needles.some((needle) => folded.includes(needle))) return found;
  for (let from = 0; from < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, from);
    const end = newline < 0 ? bytes.length : newline;
    const text = folded.slice(from, end);
    const line = needles.some((needle) => text.includes(needle))
      ? parseLine(bytes.toString("utf8", from, end))
      : undefined;
    if (termsOf(line).some((term) => terms.has(term)))
      found.push({ place: start + from, line: line as JournalLine });
    from = end + 1;
  }
  return found;
}
