/**
 * Whole files, whole or not at all: written aside, synced, renamed into place.
 *
 * Promises: a reader sees the old content or the new one; the mode is the one asked for.
 */
import { open, rename, rm } from "node:fs/promises";

/** Writes `content` to `path` with permissions `mode`. Rejects with the system's error. */
export async function replaceFile(path: string, content: string | Buffer, mode: number): Promise<void> {
  const aside = `${path}.new`;
  await rm(aside, { force: true }); // one left by a crash may have another mode
  const file = await open(aside, "wx", mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(aside, path);
}
