/**
 * One fsync of a folder for everyone who waits for one.
 *
 * Promises: `sync()` resolves after an fsync that began after the call; calls made while one runs share
 * the next. That makes a rename durable (fsync(2): the entry is only safe once the folder is synced).
 */
import type { FileHandle } from "node:fs/promises";

export class FolderSync {
  readonly #folder: FileHandle;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(folder: FileHandle) {
    this.#folder = folder;
  }

  sync(): Promise<void> {
    if (!this.#running) return this.#start();
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  #start(): Promise<void> {
    this.#next = undefined;
    const run = this.#folder.sync().finally(() => {
      if (this.#running === run) this.#running = undefined;
    });
    this.#running = run;
    return run;
  }
}
