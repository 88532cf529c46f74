/**
 * What delivery keeps over a restart besides the mail itself: `<stateDir>/delivery.json`, a section for each owner.
 *
 * Promises: `put` resolves when the file that says so is in place for good (temporary file, sync, rename, sync of the
 * folder) and rejects when it is not, `note` waits for nothing; many puts share a write; a file that cannot be read is
 * told and begun anew: it only makes delivery forget a pause, never a message.
 * Refuses nothing: owners check what they find in their section.
 */
import { readFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

export class Kept {
  readonly #path: string;
  readonly #onTrouble: (reason: string) => void;
  readonly #sections: Record<string, unknown>;
  #writing: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(path: string, onTrouble: (reason: string) => void) {
    this.#path = path;
    this.#onTrouble = onTrouble;
    this.#sections = this.#read();
  }

  /** What stands there; undefined when nothing does. */
  section(name: string): unknown {
    return this.#sections[name];
  }

  /** The same, for what may be lost: trouble with the disk is told, and nobody waits. */
  note(name: string, value: unknown): void {
    void this.put(name, value).catch(() => {});
  }

  /** Rejects when the disk does not take it; that is told too. */
  put(name: string, value: unknown): Promise<void> {
    this.#sections[name] = value;
    if (!this.#writing) return this.#start();
    const next = () => this.#start();
    this.#next ??= this.#writing.then(next, next);
    return this.#next;
  }

  #start(): Promise<void> {
    this.#next = undefined;
    const writing = this.#write()
      .catch((error: Error) => {
        this.#onTrouble(`cannot keep ${this.#path}: ${error.message}`);
        throw error;
      })
      .finally(() => {
        if (this.#writing === writing) this.#writing = undefined;
      });
    this.#writing = writing;
    return writing;
  }

  async #write(): Promise<void> {
    const text = `${JSON.stringify({ v: 1, ...this.#sections })}\n`;
    const file = await open(`${this.#path}.new`, "w", 0o600);
    try {
      await file.writeFile(text);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(`${this.#path}.new`, this.#path);
    const folder = await open(dirname(this.#path), "r");
    await folder.sync().finally(() => folder.close());
  }

  #read(): Record<string, unknown> {
    try {
      const found: unknown = JSON.parse(readFileSync(this.#path, "utf8"));
      if (typeof found === "object" && found !== null && "v" in found && found.v === 1) return { ...found };
      this.#onTrouble(`${this.#path} is not of our making: begun anew`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT")
        this.#onTrouble(`cannot read ${this.#path}: ${(error as Error).message}; begun anew`);
    }
    return {};
  }
}
