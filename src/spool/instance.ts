/**
 * This installation's id: random, made once, kept in the state folder.
 *
 * It names our queues in a Redis that others share; the host name would not do, as cloned machines share it.
 */
import { randomBytes } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

const INSTANCE = /^[0-9a-f]{12}$/;

/** Reads `<stateDir>/instance`, making it (synced) when it is missing. */
export async function instanceId(stateDir: string): Promise<string> {
  const path = join(stateDir, "instance");
  const known = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  if (INSTANCE.test(known.trim())) return known.trim();
  if (known !== "")
    throw new Error(`Cannot use ${path}: it should hold 12 hexadecimal digits; restore or delete it`);
  const made = randomBytes(6).toString("hex");
  const file = await open(`${path}.new`, "w", 0o600);
  await file.write(`${made}\n`);
  await file.sync();
  await file.close();
  await rename(`${path}.new`, path);
  return made;
}
