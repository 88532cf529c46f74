/**
 * A day's file in pieces of whole lines, about `PIECE_BYTES` each: forwards for who builds the index, backwards for who
 * searches.
 *
 * Promises: a line that is longer than a piece comes whole, in a piece of its size. A file that grows or shrinks
 * meanwhile does no harm.
 */
import type { FileHandle } from "node:fs/promises";

export const PIECE_BYTES = 256 * 1024;
const NEWLINE = 10;

/** Whole lines that begin at `start` in the file. */
export interface Piece {
  readonly start: number;
  readonly bytes: Buffer;
}

/** The lines from `start` on; undefined while fewer than a piece's bytes are there, up to `size`. */
export async function pieceFrom(file: FileHandle, start: number, size: number): Promise<Piece | undefined> {
  for (let length = PIECE_BYTES; start + length <= size; length *= 2) {
    const bytes = await readAt(file, start, start + length);
    const whole = bytes.lastIndexOf(NEWLINE) + 1;
    if (whole > 0) return { start, bytes: bytes.subarray(0, whole) };
  }
  return undefined;
}

/** The lines before `end`, which is the end of a line or of the file, down to `floor`. */
export async function pieceBefore(file: FileHandle, floor: number, end: number): Promise<Piece> {
  for (let length = PIECE_BYTES; ; length *= 2) {
    const start = Math.max(floor, end - length);
    const bytes = await readAt(file, start, end);
    if (start === floor) return { start, bytes };
    const first = bytes.indexOf(NEWLINE) + 1;
    if (first > 0 && first < bytes.length) return { start: start + first, bytes: bytes.subarray(first) };
  }
}

/** The bytes from `start` up to `end`, or up to where the file ends. */
export async function readAt(file: FileHandle, start: number, end: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(end - start);
  let length = 0;
  for (let more = -1; more !== 0 && length < bytes.length; length += more)
    more = (await file.read(bytes, length, bytes.length - length, start + length)).bytesRead;
  return bytes.subarray(0, length);
}
