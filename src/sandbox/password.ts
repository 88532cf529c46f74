/**
 * The one password of the simulator: random, kept in `DIR/password` (0600), the same after a restart.
 *
 * Refuses to show it: whoever needs it reads the file.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "./files.ts";

/** The password kept in `dir` (an existing folder), or a new random one; the caller keeps it there. */
export async function keptPassword(dir: string): Promise<string> {
  try {
    const kept = (await readFile(join(dir, "password"), "utf8")).trim();
    if (kept !== "") return kept;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return randomBytes(24).toString("base64url");
}

/** Writes `DIR/password`, readable by its owner only. */
export async function keepPassword(dir: string, password: string): Promise<void> {
  await replaceFile(join(dir, "password"), `${password}\n`, 0o600);
}

/** Compares without telling by its duration how much was right, whatever the lengths are. */
export function isSameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
