/** Which days the journal has files of. */
import { readdir } from "node:fs/promises";
import { DAY_FILE } from "./lines.ts";

/** YYYY-MM-DD, rising; none without a journal. */
export async function journalDays(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.flatMap((name) => DAY_FILE.exec(name)?.[1] ?? []).sort();
}
