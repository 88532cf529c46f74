/**
 * What arrived at the simulator: a line each in `DIR/arrived.jsonl`, the bytes in `DIR/arrived/NNN.eml`.
 *
 * Promises: both are synced when `keep` resolves, so that whoever got a 250 finds its message counted, even
 * after a crash; numbers go on after a restart.
 * Bounds: the newest 10,000 messages in memory (the bytes of the newest 64 MB) and as files; the list of lines
 * is set aside as arrived.1.jsonl above 256 MB, and one such is kept.
 */
import { type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { visible } from "../mail/reply.ts";
import { replaceFile } from "./files.ts";

/** One message that got through. Addresses as in the envelope; `file` is the path of its bytes. */
export interface Arrived {
  readonly at: string;
  readonly session: string;
  readonly sender: string;
  readonly recipients: string[];
  readonly headerFrom: string;
  readonly subject?: string;
  readonly messageId?: string;
  readonly sizeBytes: number;
  readonly file: string;
  /** The message, as long as it is among the newest 64 MB. */
  raw?: Buffer;
}

const KEPT_MESSAGES = 10_000;
const KEPT_RAW_BYTES = 64_000_000;
const MAX_LIST_BYTES = 256_000_000;

/** Opens the record in `dir`, an existing folder. Close it in the end. */
export async function openArrivals(dir: string): Promise<Arrivals> {
  const folder = join(dir, "arrived");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const numbers = (await readdir(folder)).map((name) => Number.parseInt(name, 10)).filter(Number.isFinite);
  const list = join(dir, "arrived.jsonl");
  return new Arrivals(folder, list, await open(list, "a", 0o600), 1 + Math.max(0, ...numbers));
}

export class Arrivals {
  readonly #folder: string;
  readonly #list: string;
  #file: FileHandle;
  #nextNumber: number;
  readonly #newest: Arrived[] = [];
  #rawFrom = 0; // index in #newest of the oldest that still has its bytes
  #rawBytes = 0;
  #lines: string[] = [];
  #written: Promise<void> = Promise.resolve();
  #batch: Promise<void> | undefined;

  constructor(folder: string, list: string, file: FileHandle, nextNumber: number) {
    this.#folder = folder;
    this.#list = list;
    this.#file = file;
    this.#nextNumber = nextNumber;
  }

  /** The newest of this run, oldest first. */
  get newest(): readonly Arrived[] {
    return this.#newest;
  }

  /** Keeps a message; resolves when it is on disk. Rejects with the system's error (ENOSPC, EIO, …). */
  async keep(facts: Omit<Arrived, "file" | "raw" | "sizeBytes">, raw: Buffer): Promise<Arrived> {
    const number = this.#nextNumber++;
    const file = this.#fileOf(number);
    const line = { ...facts, sizeBytes: raw.length, file };
    await replaceFile(file, raw, 0o600);
    await this.#append(`${JSON.stringify(line)}\n`);
    const arrived: Arrived = { ...line, raw };
    this.#remember(arrived);
    await rm(this.#fileOf(number - KEPT_MESSAGES), { force: true });
    return arrived;
  }

  async close(): Promise<void> {
    await this.#written;
    await this.#file.close();
  }

  #fileOf(number: number): string {
    return join(this.#folder, `${String(number).padStart(3, "0")}.eml`);
  }

  /** Lines that come together are written and synced together. */
  #append(line: string): Promise<void> {
    this.#lines.push(line);
    if (this.#batch === undefined) {
      this.#batch = this.#written.then(() => this.#write());
      this.#written = this.#batch.catch(() => {}); // its senders are told; the next batch tries again
    }
    return this.#batch;
  }

  async #write(): Promise<void> {
    const text = this.#lines.join("");
    this.#lines = [];
    this.#batch = undefined;
    await this.#file.appendFile(text);
    await this.#file.datasync();
    const { size } = await this.#file.stat();
    if (size < MAX_LIST_BYTES) return;
    await this.#file.close();
    await rename(this.#list, this.#list.replace(/\.jsonl$/, ".1.jsonl"));
    this.#file = await open(this.#list, "a", 0o600);
  }

  #remember(arrived: Arrived): void {
    this.#newest.push(arrived);
    this.#rawBytes += arrived.sizeBytes;
    while (this.#rawBytes > KEPT_RAW_BYTES) {
      const oldest = this.#newest[this.#rawFrom++] as Arrived;
      this.#rawBytes -= oldest.sizeBytes;
      delete oldest.raw;
    }
    if (this.#newest.length <= KEPT_MESSAGES) return;
    const forgotten = this.#newest.shift() as Arrived;
    if (this.#rawFrom > 0) this.#rawFrom -= 1;
    else this.#rawBytes -= forgotten.sizeBytes;
  }
}

/** A message in one line, safe for a terminal: `2 recipients, 1234 bytes, from a@b.example "Subject"`. */
export function arrivalLine({ sender, recipients, headerFrom, subject, sizeBytes }: Arrived): string {
  const from =
    headerFrom === "" || headerFrom === sender ? `<${sender}>` : `<${sender}> (From: ${headerFrom})`;
  const to = recipients.length === 1 ? recipients[0] : `${recipients.length} recipients`;
  return visible(
    `${from} -> ${to}, ${sizeBytes} bytes, ${subject === undefined ? "no subject" : `"${subject}"`}`,
  );
}
