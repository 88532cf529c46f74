/**
 * The lock on the state folder: one agent at a time.
 *
 * Promises: held until `release` or the end of the process, however it ends; a child process (the embedded
 * Redis) does not inherit it, because Node opens every file close-on-exec. A second agent gets a value that
 * names the first, and has touched nothing.
 */
import { randomUUID } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { tryLock } from "fs-native-extensions";

export type StateLock =
  | { readonly ok: true; release(): Promise<void> }
  | { readonly ok: false /** Process id of the holder, if it could be read. */; readonly holder: string };

/** Locks `stateDir` (made 0700 when missing). */
export async function lockStateDir(stateDir: string): Promise<StateLock> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const file = await open(join(stateDir, "lock"), "a+", 0o600);
  if (!tryLock(file.fd)) {
    const holder = (await file.readFile("utf8")).trim();
    await file.close();
    return { ok: false, holder: holder || "unknown" };
  }
  await file.truncate(0);
  await file.write(`${process.pid}\n`);
  return { ok: true, release: () => file.close() };
}

/**
 * Stands for this lock, among all machines: what this boot of this machine has as that file. Whoever holds the lock knows
 * that nobody else of the same place is alive; a copy of the folder is another place, and so is a cloned machine.
 */
export function lockPlace(stateDir: string): string {
  const { dev, ino } = statSync(join(stateDir, "lock"), { bigint: true });
  return `${bootId()}:${dev}:${ino}`;
}

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return randomUUID(); // then each run is a place of its own
  }
}
