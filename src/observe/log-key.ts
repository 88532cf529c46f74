/**
 * The key that addresses in the log are hashed with (`log.recipients: hashed`): random, in `<stateDir>/log-key`, mode 0600.
 *
 * Promises: it stays the same over restarts, so that one address has one hash; one that cannot be read is made anew.
 */
import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

const KEY_BYTES = 32;

/** Reads it, or makes it. */
export async function readLogKey(stateDir: string): Promise<Buffer> {
  const path = join(stateDir, "log-key");
  const known = await readFile(path).catch(() => undefined);
  if (known?.length === KEY_BYTES) return known;
  const made = randomBytes(KEY_BYTES);
  await writeFile(`${path}.new`, made, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return made;
}
