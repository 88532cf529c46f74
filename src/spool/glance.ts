/**
 * A look at a message in the spool, for lists: its entry and what happened to it; the file is closed again.
 *
 * Promises: reads two blocks at most, opens for reading only, holds nothing; cheap enough for 100,000 in a row.
 * Refuses (as a value) files that are gone or corrupt; rejects with the system's error when it cannot be opened.
 */
import { close, fstat, open, read } from "node:fs";
import { promisify } from "node:util";
import { parseRecords, type SpoolRecord, type StoredEntry } from "./entry.ts";
import { readParts } from "./parts.ts";

// Plain descriptors take half the time of file handles, and a list opens every file.
const [openFile, readFile, statFile, closeFile] = [open, read, fstat, close].map((call) =>
  promisify(call),
) as unknown as [
  (path: string, flags: string) => Promise<number>,
  (fd: number, into: Buffer, offset: number, length: number, at: number) => Promise<{ bytesRead: number }>,
  (fd: number) => Promise<{ size: number }>,
  (fd: number) => Promise<void>,
];

const BLOCK_BYTES = 8 * 1024;

export type Glance =
  | { readonly ok: true; readonly entry: StoredEntry; readonly records: readonly SpoolRecord[] }
  | { readonly ok: false; readonly why: "gone" }
  | { readonly ok: false; readonly why: "corrupt"; readonly problem: string };

/** Looks at `path`, the spool file of `id`. */
export async function glanceAt(path: string, id: string): Promise<Glance> {
  let fd: number;
  try {
    fd = await openFile(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { ok: false, why: "gone" };
    throw error;
  }
  try {
    const file = {
      read: async (into: Buffer, offset: number, position: number) =>
        (await readFile(fd, into, offset, into.length - offset, position)).bytesRead,
      size: async () => (await statFile(fd)).size,
    };
    const parts = await readParts(file, id, BLOCK_BYTES);
    if ("problem" in parts) return { ok: false, why: "corrupt", problem: parts.problem };
    return { ok: true, entry: parts.entry, records: parseRecords(parts.tail) };
  } finally {
    await closeFile(fd);
  }
}
