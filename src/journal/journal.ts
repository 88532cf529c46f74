/**
 * The journal: one line of JSON for each fact, a file for each day (UTC).
 *
 * Promises: `append` resolves when the line is with the kernel, so that kill -9 does not lose it; lines are
 * synced within a second; many appends share a write. Days older than `historyMs` are deleted, with their index.
 * Refuses nothing: a failed write rejects the appends that shared it, and the next one tries anew.
 */
import { type FileHandle, mkdir, open, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Fact } from "../observe/facts.ts";
import { DAY_FILE, INDEX_FILE } from "./lines.ts";

/** A line of the journal: a fact and when it became true, ISO 8601. */
export type JournalLine = Fact & { readonly at: string };

const SYNC_MS = 1000;
const DAY_MS = 86_400_000;

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

export class Journal implements AsyncDisposable {
  readonly #options: { folder: string; now: () => number };
  #historyMs: number;
  readonly #syncTimer: NodeJS.Timeout;
  #file: { day: string; handle: FileHandle } | undefined;
  #lines: string[] = [];
  #waiters: Waiter[] = [];
  #flushing: Promise<void> | undefined;
  #dirty = false;
  #torn = false;

  private constructor(options: { folder: string; historyMs: number; now: () => number }) {
    this.#options = options;
    this.#historyMs = options.historyMs;
    this.#syncTimer = setInterval(() => void this.#sync(), SYNC_MS).unref();
  }

  static async open(options: { folder: string; historyMs: number; now: () => number }): Promise<Journal> {
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    const journal = new Journal(options);
    await journal.#prune();
    return journal;
  }

  /** Days older than this go from now on. */
  keep(historyMs: number): void {
    this.#historyMs = historyMs;
  }

  append(line: JournalLine): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#lines.push(JSON.stringify(line));
      this.#waiters.push({ resolve, reject });
      this.#flushing ??= this.#flush();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#syncTimer);
    await this.#flushing;
    await this.#sync();
    await this.#file?.handle.close();
  }

  async #flush(): Promise<void> {
    await Promise.resolve(); // what is appended in this turn goes into one write
    while (this.#lines.length > 0) {
      const text = `${this.#torn ? "\n" : ""}${this.#lines.join("\n")}\n`;
      const waiters = this.#waiters;
      this.#lines = [];
      this.#waiters = [];
      try {
        const handle = await this.#today();
        this.#torn = true; // until it is whole: what a full disk cuts off must not spoil the next line
        await handle.appendFile(text);
        this.#torn = false;
        this.#dirty = true;
        for (const waiter of waiters) waiter.resolve();
      } catch (error) {
        for (const waiter of waiters) waiter.reject(error as Error);
      }
    }
    this.#flushing = undefined;
  }

  async #today(): Promise<FileHandle> {
    const day = new Date(this.#options.now()).toISOString().slice(0, 10);
    if (this.#file?.day === day) return this.#file.handle;
    const previous = this.#file?.handle;
    this.#file = { day, handle: await openLineFile(join(this.#options.folder, `${day}.jsonl`)) };
    if (previous) {
      // Trouble with yesterday's file is no reason to refuse today's facts.
      await previous.datasync().catch(() => {});
      await previous.close().catch(() => {});
      await this.#prune().catch(() => {});
    }
    return this.#file.handle;
  }

  async #sync(): Promise<void> {
    if (!this.#dirty) return;
    this.#dirty = false;
    await this.#file?.handle.datasync().catch(() => {}); // the next write says what is wrong
  }

  async #prune(): Promise<void> {
    const oldest = new Date(this.#options.now() - this.#historyMs - DAY_MS).toISOString().slice(0, 10);
    for (const name of await readdir(this.#options.folder)) {
      if ((DAY_FILE.test(name) || INDEX_FILE.test(name)) && name < oldest)
        await unlink(join(this.#options.folder, name));
    }
  }
}

/** Opens a file of lines for appending; a line torn by a crash is ended first, so that ours stays whole. */
async function openLineFile(path: string): Promise<FileHandle> {
  const handle = await open(path, "a+", 0o600);
  const { size } = await handle.stat();
  if (size > 0) {
    const last = Buffer.alloc(1);
    await handle.read(last, 0, 1, size - 1);
    if (last[0] !== 10) await handle.appendFile("\n");
  }
  return handle;
}
