/**
 * The ledger as a command reads it: all days from disk, and what the journal has since, added in memory.
 *
 * Promises: to the second, whether the agent runs or not; changes nothing on disk.
 */
import type { Span } from "../schedule/contract-year.ts";
import { type Origin, UsageDay } from "./day.ts";
import { nameOf, UsageFiles } from "./files.ts";
import { foldOn } from "./fold.ts";

/** Before the agent wrote anything there. */
const NOBODY: Origin = { host: "-", instance: "none" };

/** All days, rising. `onTrouble` is told what cannot be read. */
export async function readUsage(
  parts: { readonly folder: string; readonly journalFolder: string },
  onTrouble: (reason: string) => void,
): Promise<readonly UsageDay[]> {
  const files = new UsageFiles(parts.folder, onTrouble);
  const soFar = await files.readSoFar(); // before the days: a line that is in a day already is passed over
  const { host, instance } = soFar ?? NOBODY;
  const days = new Map<string, UsageDay>();
  for (const { name } of await files.list()) {
    const day = await files.read(name);
    if (day) days.set(name, day);
  }
  const dayFor = async (day: string) => {
    const name = nameOf(day, instance);
    const found = days.get(name) ?? new UsageDay(day, { host, instance });
    days.set(name, found);
    return found;
  };
  for await (const _ of foldOn(parts.journalFolder, soFar?.marks ?? {}, dayFor));
  return [...days.values()].sort((a, b) => (a.day < b.day ? -1 : 1));
}

/** From the first to the last minute that something stands in; undefined when nothing is recorded. */
export function recordedSpan(days: readonly UsageDay[]): Span | undefined {
  const minutes = days.flatMap((day) =>
    day.accounts.flatMap((account) => {
      const rows = day.minutesOf(account);
      return rows.length === 0 ? [] : [rows[0]?.minute as number, rows.at(-1)?.minute as number];
    }),
  );
  if (minutes.length === 0) return undefined;
  const [first, last] = [minutes.reduce((a, b) => Math.min(a, b)), minutes.reduce((a, b) => Math.max(a, b))];
  return { fromMs: first * 60_000, toMs: (last + 1) * 60_000 };
}

/** The accounts that anything is recorded of. */
export function recordedAccounts(days: readonly UsageDay[]): string[] {
  return [...new Set(days.flatMap((day) => day.accounts))].sort();
}
