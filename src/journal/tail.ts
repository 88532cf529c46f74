/**
 * Reading on in the journal from where one stopped: for whoever adds it up a little at a time.
 *
 * Promises: each whole line comes once, with the mark of its end; a line that is still being written comes the next
 * time; lines that a crash tore are passed over. A clock that goes back over midnight makes an older file grow again:
 * the newest `DAYS` files are looked at each time, older ones count as read. Streams, in pieces of `PIECE_BYTES`.
 */
import { type FileHandle, open, stat } from "node:fs/promises";
import { join } from "node:path";
import { journalDays } from "./days.ts";
import type { JournalLine } from "./journal.ts";
import { parseLine } from "./lines.ts";

const DAYS = 3;
const PIECE_BYTES = 256 * 1024;
const NEWLINE = 10;

/** How far each of the newest files was read, bytes by day (YYYY-MM-DD). Nothing is in it: nothing was read. */
export type Marks = Readonly<Record<string, number>>;

/** Some lines of one day, and how far it is read with them. */
export interface Piece {
  readonly day: string;
  readonly lines: readonly { readonly line: JournalLine; readonly end: number }[];
  readonly end: number;
}

/** Yields what is behind the marks, oldest day first: the lines that `wanted` wants. */
export async function* readOn(
  folder: string,
  marks: Marks,
  wanted: (text: string) => boolean,
): AsyncGenerator<Piece> {
  for (const day of await unreadDays(folder, marks)) {
    await using file = await open(join(folder, `${day}.jsonl`), "r");
    yield* piecesOf(file, { day, from: marks[day] ?? 0 }, wanted);
  }
}

/** Where the journal ends now: what is appended from here on is behind these marks. */
export async function marksOfEnd(folder: string): Promise<Marks> {
  let marks: Marks = {};
  for (const day of (await unreadDays(folder, {})).slice(-DAYS)) {
    const { size } = await stat(join(folder, `${day}.jsonl`));
    marks = advanced(marks, { day, end: size });
  }
  return marks;
}

/** The marks after a piece. */
export function advanced(marks: Marks, { day, end }: Pick<Piece, "day" | "end">): Marks {
  const days = Object.entries({ ...marks, [day]: end }).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(days.slice(-DAYS));
}

/** Whether what ends there is before the marks. */
export function isBefore(marks: Marks, day: string, end: number): boolean {
  const mark = marks[day];
  return mark === undefined ? countsAsRead(marks, day) : end <= mark;
}

function countsAsRead(marks: Marks, day: string): boolean {
  const known = Object.keys(marks);
  return known.length >= DAYS && known.every((one) => day < one);
}

async function unreadDays(folder: string, marks: Marks): Promise<string[]> {
  return (await journalDays(folder)).filter((day) => !countsAsRead(marks, day));
}

async function* piecesOf(
  file: FileHandle,
  { day, from }: { day: string; from: number },
  wanted: (text: string) => boolean,
): AsyncGenerator<Piece> {
  let rest: Buffer = Buffer.alloc(0);
  // After a power cut the file may be shorter than what was read of it: then nothing comes until it is longer again.
  for (let at = from; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(PIECE_BYTES), 0, PIECE_BYTES, at);
    if (bytesRead === 0) return;
    const bytes = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    const start = at - rest.length;
    at += bytesRead;
    const whole = bytes.lastIndexOf(NEWLINE) + 1;
    rest = bytes.subarray(whole);
    if (whole > 0) yield { day, end: start + whole, lines: linesOf(bytes.subarray(0, whole), start, wanted) };
  }
}

function linesOf(bytes: Buffer, start: number, wanted: (text: string) => boolean): Piece["lines"] {
  const lines: { line: JournalLine; end: number }[] = [];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(NEWLINE, from) + 1;
    const text = bytes.toString("utf8", from, end - 1);
    const line = wanted(text) ? parseLine(text) : undefined;
    if (line) lines.push({ line, end: start + end });
    from = end;
  }
  return lines;
}
