/**
 * Builds the index of the journal (index-file.ts) while the agent runs: once a minute, what has become a whole block.
 *
 * Promises: nothing of it is in the way of an append; it works a few milliseconds at a time and rests in between. An index
 * that is missing, torn or about another file is built anew from where it is good. Trouble with the disk is told, and
 * tried again the next minute: a search does without an index, only slower. The journal deletes the index with its day.
 */
import { constants, type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import { journalDays } from "./days.ts";
import { INDEX_HEAD, indexRecord, readIndex } from "./index-file.ts";
import { indexFileOf, parseLine } from "./lines.ts";
import { PIECE_BYTES, pieceFrom } from "./pieces.ts";
import { hashOf, termsOf } from "./terms.ts";

const EVERY_MS = 60_000;
const REST_MS = 5;

export interface IndexerParts {
  readonly folder: string;
  readonly onTrouble: (reason: string) => void;
}

export class Indexer implements AsyncDisposable {
  readonly #parts: IndexerParts;
  readonly #ended = new AbortController();
  /** How far each day's file is indexed, bytes. */
  readonly #indexed = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(parts: IndexerParts) {
    this.#parts = parts;
  }

  /** Builds now, in the background, and every minute. */
  start(): void {
    const build = () =>
      void this.build().catch((error: Error) => {
        if (!this.#ended.signal.aborted) this.#parts.onTrouble(`cannot index the journal: ${error.message}`);
      });
    this.#timer ??= setInterval(build, EVERY_MS).unref();
    build();
  }

  /** Indexes what the journal has by now. Rejects when the disk failed; the next one does what is left. */
  build(): Promise<void> {
    const next = this.#last.then(() => this.#build());
    this.#last = next.catch(() => {});
    return next;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#ended.abort();
    await this.#last;
  }

  async #build(): Promise<void> {
    const days = await journalDays(this.#parts.folder);
    for (const day of this.#indexed.keys()) if (!days.includes(day)) this.#indexed.delete(day);
    for (const day of days.reverse()) await this.#buildDay(day);
  }

  async #buildDay(day: string): Promise<void> {
    const path = join(this.#parts.folder, `${day}.jsonl`);
    const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined; // too old by now
      throw error;
    });
    if (!file) return;
    await using _ = file;
    const { size } = await file.stat();
    const indexed = this.#indexed.get(day) ?? 0;
    if (size >= indexed && size - indexed < PIECE_BYTES) return;
    const good = await readIndex(indexFileOf(path), file, size);
    this.#indexed.set(day, await this.#extend(indexFileOf(path), file, { ...good, size }));
  }

  /** Adds the blocks that are missing; gives how far the day is indexed then. */
  async #extend(
    path: string,
    day: FileHandle,
    { blocks, bytes, size }: { blocks: readonly { end: number }[]; bytes: number; size: number },
  ): Promise<number> {
    let indexed = blocks.at(-1)?.end ?? 0;
    let piece = await pieceFrom(day, indexed, size);
    if (!piece) return indexed;
    await using index = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    await index.truncate(bytes);
    if (bytes === 0) await index.write(INDEX_HEAD, 0, INDEX_HEAD.length, 0);
    for (let at = Math.max(bytes, INDEX_HEAD.length); piece; piece = await pieceFrom(day, indexed, size)) {
      indexed += piece.bytes.length;
      const record = indexRecord(piece.bytes, indexed, hashesOf(piece.bytes));
      await index.write(record, 0, record.length, at);
      at += record.length;
      await rest(REST_MS, undefined, { signal: this.#ended.signal });
    }
    return indexed;
  }
}

function* hashesOf(lines: Buffer): Iterable<number> {
  for (const text of lines.toString("utf8").split("\n"))
    for (const term of termsOf(parseLine(text))) yield hashOf(term);
}
