/**
 * One message in the spool, opened: its entry, its records, its wire bytes, and the place to append.
 *
 * Promises: `append` resolves when the line is synced, `note` when it is written; two handles on one message never exist (the
 * callers see to that: delivery has one attempt at a time, commands go through the agent).
 * Refuses (as a value) files that are gone or corrupt.
 */
import { type FileHandle, open } from "node:fs/promises";
import { Readable } from "node:stream";
import { formatRecord, parseRecords, type SpoolRecord, type StoredEntry } from "./entry.ts";
import { readParts } from "./parts.ts";

const BLOCK_BYTES = 64 * 1024;
const STREAM_ABOVE_BYTES = 256 * 1024;
const HEAD_BYTES = 128 * 1024;

export type OpenResult =
  | { readonly ok: true; readonly message: SpoolMessage }
  | { readonly ok: false; readonly why: "gone" }
  | { readonly ok: false; readonly why: "corrupt"; readonly problem: string };

export class SpoolMessage implements AsyncDisposable {
  readonly entry: StoredEntry;
  readonly #records: SpoolRecord[];
  readonly #file: FileHandle;
  readonly #wireStart: number;
  #tornTail: boolean;

  private constructor(file: FileHandle, parts: { entry: StoredEntry; wireStart: number; tail: string }) {
    this.#file = file;
    this.entry = parts.entry;
    this.#wireStart = parts.wireStart;
    this.#records = parseRecords(parts.tail);
    this.#tornTail = parts.tail !== "" && !parts.tail.endsWith("\n");
  }

  /** Everything that happened to it so far, oldest first. */
  get records(): readonly SpoolRecord[] {
    return this.#records;
  }

  /** Opens `path`, the spool file of `id`. */
  static async open(path: string, id: string): Promise<OpenResult> {
    let file: FileHandle;
    try {
      file = await open(path, "r+");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return { ok: false, why: "gone" };
      throw error;
    }
    try {
      const parts = await readParts(
        {
          read: async (into, offset, at) =>
            (await file.read(into, offset, into.length - offset, at)).bytesRead,
          size: async () => (await file.stat()).size,
        },
        id,
        BLOCK_BYTES,
      );
      if ("problem" in parts) {
        await file.close();
        return { ok: false, why: "corrupt", problem: parts.problem };
      }
      return { ok: true, message: new SpoolMessage(file, parts) };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Appends one line and syncs it. */
  async append(record: SpoolRecord): Promise<void> {
    await this.note(record);
    await this.#file.datasync();
  }

  /** Appends one line that only has to outlive the process: the kernel has it when this resolves. */
  async note(record: SpoolRecord): Promise<void> {
    const line = (this.#tornTail ? "\n" : "") + formatRecord(record);
    this.#tornTail = true; // until it is whole: what a full disk cuts off must not spoil the next line
    const { size } = await this.#file.stat();
    await writeFully(this.#file, Buffer.from(line), size);
    this.#tornTail = false;
    this.#records.push(record);
  }

  /** Where the wire bytes stand in the file: from `start` up to, not including, `end`. */
  get wireRange(): { readonly start: number; readonly end: number } {
    return { start: this.#wireStart, end: this.#wireStart + this.entry.wireBytes };
  }

  /** The head as it goes to the upstream, its empty line included; cut when it is longer than any that we take in. */
  async head(): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(Math.min(this.entry.wireBytes, HEAD_BYTES));
    await readFully(this.#file, bytes, this.#wireStart);
    const end = bytes.indexOf("\r\n\r\n");
    return end < 0 ? bytes : bytes.subarray(0, end + 4);
  }

  /** The bytes that go to the upstream: a buffer when they are few, else a stream. */
  async wire(): Promise<Buffer | Readable> {
    const { wireBytes } = this.entry;
    if (wireBytes > STREAM_ABOVE_BYTES) return Readable.from(this.pieces());
    const bytes = Buffer.allocUnsafe(wireBytes);
    await readFully(this.#file, bytes, this.#wireStart);
    return bytes;
  }

  /** The same in pieces, from byte `start` of them on. */
  async *pieces(start = 0): AsyncGenerator<Buffer> {
    for (let at = start; at < this.entry.wireBytes; at += BLOCK_BYTES) {
      const bytes = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, this.entry.wireBytes - at));
      await readFully(this.#file, bytes, this.#wireStart + at);
      yield bytes;
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

async function writeFully(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

async function readFully(file: FileHandle, into: Buffer, position: number): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await file.read(into, done, into.length - done, position + done);
    if (bytesRead === 0)
      throw new Error(`Cannot read ${into.length} bytes at ${position}: the file ended early`);
    done += bytesRead;
  }
}
