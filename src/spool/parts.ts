/**
 * The parts of a spool file: its first line, where the wire bytes stand, and the lines after them.
 *
 * Promises: reads the first block and what comes after the wire bytes, never the message between them.
 * Refuses (as a value) a file whose first line cannot be believed, or that is shorter than that line says.
 */
import { parseEntry, type StoredEntry } from "./entry.ts";

const MAX_FIRST_LINE_BYTES = 4 * 1024 * 1024; // 1000 recipients of 254 octets, three times over, and room
const LF = 10;

/** A file that can be read at a position. */
export interface Readable {
  /** Reads into `into` from `offset` on; gives how many bytes, 0 at the end of the file. */
  read(into: Buffer, offset: number, position: number): Promise<number>;
  size(): Promise<number>;
}

export type Parts =
  | { readonly entry: StoredEntry; readonly wireStart: number; readonly tail: string }
  | { readonly problem: string };

/** Reads the parts of the file of `id`; the first block is of `blockBytes`. */
export async function readParts(file: Readable, id: string, blockBytes: number): Promise<Parts> {
  let bytes = Buffer.allocUnsafe(blockBytes);
  let filled = await fill(file, bytes, 0);
  let end = bytes.subarray(0, filled).indexOf(LF);
  if (end < 0 && filled === bytes.length) {
    bytes = Buffer.allocUnsafe(Math.min(await file.size(), MAX_FIRST_LINE_BYTES));
    filled = await fill(file, bytes, 0);
    end = bytes.subarray(0, filled).indexOf(LF);
  }
  if (end < 0) return { problem: "its first line has no end" };
  const entry = parseEntry(bytes.toString("utf8", 0, end), id);
  if ("problem" in entry) return entry;
  const wireStart = end + 1;
  const tailStart = wireStart + entry.wireBytes;
  const size = filled < bytes.length ? filled : await file.size(); // a block that is not full is the whole file
  if (tailStart > size) return { problem: `it is ${tailStart - size} bytes short` };
  if (size <= filled) return { entry, wireStart, tail: bytes.toString("utf8", tailStart, size) };
  const tail = Buffer.allocUnsafe(size - tailStart);
  const got = await fill(file, tail, tailStart);
  return { entry, wireStart, tail: tail.toString("utf8", 0, got) };
}

/** Fills `into` as far as the file goes: a read may be cut short by a signal. */
async function fill(file: Readable, into: Buffer, position: number): Promise<number> {
  for (let done = 0; ; ) {
    const count = done < into.length ? await file.read(into, done, position + done) : 0;
    if (count === 0) return done;
    done += count;
  }
}
