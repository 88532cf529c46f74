/**
 * The ledger's folder, `<stateDir>/usage/`: a file a day and installation, and how far the journal is in them.
 *
 * Promises: a file is replaced as a whole (temporary file, sync, rename, sync of the folder), so that a crash leaves the
 * old one or the new one. Refuses to guess what it cannot read: that is told, the file is put aside as `.unreadable`.
 */
import { mkdir, open, readdir, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Marks } from "../journal/tail.ts";
import { type Origin, UsageDay } from "./day.ts";

const DAY_FILE = /^(\d{4}-\d\d-\d\d)\.([0-9a-z-]+)\.json$/;
const READ = "read.json";

/** How much of the journal is in the ledger, and who added it. */
export interface ReadSoFar extends Origin {
  readonly marks: Marks;
}

export class UsageFiles {
  readonly #folder: string;
  readonly #onTrouble: (reason: string) => void;

  constructor(folder: string, onTrouble: (reason: string) => void) {
    this.#folder = folder;
    this.#onTrouble = onTrouble;
  }

  async make(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
  }

  /** The days that are there, rising. */
  async list(): Promise<{ readonly name: string; readonly day: string; readonly instance: string }[]> {
    const names = await readdir(this.#folder).catch(whenMissing([]));
    return names.sort().flatMap((name) => {
      const [, day, instance] = DAY_FILE.exec(name) ?? [];
      return day === undefined || instance === undefined ? [] : [{ name, day, instance }];
    });
  }

  async read(name: string): Promise<UsageDay | undefined> {
    const text = await readFile(join(this.#folder, name), "utf8").catch(whenMissing(undefined));
    if (text === undefined) return undefined;
    const day = UsageDay.parse(text);
    if (!day) this.#onTrouble(`${join(this.#folder, name)} is not of our making: what it counted is missing`);
    return day;
  }

  /** So that it can be looked at, and does not stand in the way. */
  async putAside(name: string): Promise<void> {
    const path = join(this.#folder, name);
    await rename(path, `${path}.unreadable`).catch(whenMissing(undefined));
  }

  async readSoFar(): Promise<ReadSoFar | undefined> {
    const text = await readFile(join(this.#folder, READ), "utf8").catch(whenMissing(undefined));
    try {
      return text === undefined ? undefined : (JSON.parse(text) as ReadSoFar);
    } catch {
      // The days say themselves what is in them: the journal is read again, and counted once.
      this.#onTrouble(`cannot read ${join(this.#folder, READ)}: the journal is read from its beginning`);
      return undefined;
    }
  }

  /** The days first, in place for good, then how far the journal was read: the other way round counts could be lost. */
  async write(days: readonly UsageDay[], soFar: ReadSoFar): Promise<void> {
    for (const day of days)
      await this.#replace(nameOf(day.day, day.origin.instance), day.toText(soFar.marks));
    if (days.length > 0) await this.#sync();
    await this.#replace(READ, `${JSON.stringify(soFar)}\n`);
  }

  async remove(name: string): Promise<void> {
    await unlink(join(this.#folder, name)).catch(whenMissing(undefined));
  }

  async #replace(name: string, text: string): Promise<void> {
    const path = join(this.#folder, name);
    const file = await open(`${path}.new`, "w", 0o600);
    try {
      await file.writeFile(text);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  }

  async #sync(): Promise<void> {
    const folder = await open(this.#folder, "r");
    await folder.sync().finally(() => folder.close());
  }
}

export function nameOf(day: string, instance: string): string {
  return `${day}.${instance}.json`;
}

function whenMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === "ENOENT") return value;
    throw error;
  };
}
