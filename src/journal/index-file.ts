/**
 * The index of a day of the journal, `<day>.idx`: which terms (terms.ts) stand in which part of `<day>.jsonl`.
 *
 *     "sluice journal index 1\n", zeros up to 32 bytes
 *     for each block of whole lines, one behind the other from the first byte of the day's file:
 *         end of the block (8, double) · CRC-32 of its last bytes (4) · count (4)
 *         the hashes of its terms, rising (4 each) · CRC-32 of all that (4)             all little-endian
 *
 * Promises: nothing that is torn, garbled, of another version or about another file is believed: what is left of the
 * index is its longest good beginning, and what lies behind that in the day's file is not indexed. A block that is said
 * not to have a term does not have it; one that is said to may not (hashes of 32 bits).
 */
import { type FileHandle, readFile } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { crc32 } from "node:zlib";

/** A part of a day's file, from `start` up to `end` (bytes, not included). */
export interface Block {
  readonly start: number;
  readonly end: number;
  mayHave(hash: number): boolean;
}

export interface DayIndex {
  readonly blocks: readonly Block[];
  /** How much of the index file is good. */
  readonly bytes: number;
}

/** How an index begins. */
export const INDEX_HEAD = Buffer.concat([Buffer.from("sluice journal index 1\n")], 32);

const RECORD_HEAD_BYTES = 16;
const TAIL_BYTES = 64;
const RECORDS_A_TURN = 100;
const NEWLINE = 10;

interface IndexRecord extends Block {
  readonly tailCrc: number;
  /** Where it ends in the index file. */
  readonly recordEnd: number;
}

/** A block's record; `block` are its bytes, up to `end` in the day's file. */
export function indexRecord(block: Buffer, end: number, terms: Iterable<number>): Buffer {
  const hashes = Uint32Array.from(new Set(terms)).sort();
  const record = Buffer.alloc(RECORD_HEAD_BYTES + 4 * hashes.length + 4);
  record.writeDoubleLE(end, 0);
  record.writeUInt32LE(crc32(block.subarray(-TAIL_BYTES)), 8);
  record.writeUInt32LE(hashes.length, 12);
  for (const [n, hash] of hashes.entries()) record.writeUInt32LE(hash, RECORD_HEAD_BYTES + 4 * n);
  record.writeUInt32LE(crc32(record.subarray(0, -4)), record.length - 4);
  return record;
}

/** Reads the index at `path` for the day's file `day`, which has `dayBytes`; empty when there is none to believe. */
export async function readIndex(path: string, day: FileHandle, dayBytes: number): Promise<DayIndex> {
  const bytes = await readFile(path).catch(() => Buffer.alloc(0));
  const records = await goodRecords(bytes);
  // A power cut may have taken the end of the day's file, and others written on: the block there ends otherwise then.
  while (records.length > 0 && !(await endsAsSaid(records.at(-1) as IndexRecord, day, dayBytes)))
    records.pop();
  return { blocks: records, bytes: records.at(-1)?.recordEnd ?? 0 };
}

async function goodRecords(bytes: Buffer): Promise<IndexRecord[]> {
  const records: IndexRecord[] = [];
  if (!bytes.subarray(0, INDEX_HEAD.length).equals(INDEX_HEAD)) return records;
  for (;;) {
    const { recordEnd = INDEX_HEAD.length, end = 0 } = records.at(-1) ?? {};
    const record = recordAt(bytes, recordEnd, end);
    if (!record) return records;
    records.push(record);
    if (records.length % RECORDS_A_TURN === 0) await nextTurn();
  }
}

/** The record at `at`; undefined when none that is whole begins there. */
function recordAt(bytes: Buffer, at: number, start: number): IndexRecord | undefined {
  if (bytes.length < at + RECORD_HEAD_BYTES + 4) return undefined;
  const count = bytes.readUInt32LE(at + 12);
  const hashesEnd = at + RECORD_HEAD_BYTES + 4 * count;
  if (bytes.length < hashesEnd + 4 || crc32(bytes.subarray(at, hashesEnd)) !== bytes.readUInt32LE(hashesEnd))
    return undefined;
  const end = bytes.readDoubleLE(at);
  if (!Number.isSafeInteger(end) || end <= start) return undefined;
  const hashAt = (n: number) => bytes.readUInt32LE(at + RECORD_HEAD_BYTES + 4 * n);
  return {
    start,
    end,
    tailCrc: bytes.readUInt32LE(at + 8),
    recordEnd: hashesEnd + 4,
    mayHave: (hash) => isAmong(hash, count, hashAt),
  };
}

/** Binary search in numbers that rise. */
function isAmong(wanted: number, count: number, numberAt: (n: number) => number): boolean {
  let [from, to] = [0, count];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (numberAt(middle) < wanted) from = middle + 1;
    else to = middle;
  }
  return from < count && numberAt(from) === wanted;
}

async function endsAsSaid({ start, end, tailCrc }: IndexRecord, day: FileHandle, dayBytes: number) {
  if (end > dayBytes) return false;
  const length = Math.min(TAIL_BYTES, end - start);
  const { buffer, bytesRead } = await day.read(Buffer.alloc(length), 0, length, end - length);
  return bytesRead === length && buffer[length - 1] === NEWLINE && crc32(buffer) === tailCrc;
}
