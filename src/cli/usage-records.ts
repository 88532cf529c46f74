/**
 * What `usage`, `plan` and `request-sheet` share: the public config, and the ledger as it stands on disk.
 *
 * Promises: needs no agent; figures are of this moment, for what the agent has not added up yet is read from the journal.
 * Ends the command where files may not be read (exit code 77); what is missing means that nothing is recorded.
 */
import { join } from "node:path";
import type { PublicConfig } from "../config/config.ts";
import { loadPublicConfig } from "../config/load.ts";
import type { UsageDay } from "../usage/day.ts";
import { readUsage, recordedAccounts } from "../usage/records.ts";
import { type ConfigOptions, loadOrEnd } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";
import { notReadable } from "./state-on-disk.ts";

export interface Recorded {
  readonly config: PublicConfig;
  readonly days: readonly UsageDay[];
}

/** What is said where there is nothing to say. */
export const NOTHING_YET =
  "Nothing is recorded yet: the ledger begins with the first message that goes through sluice with this config.";

export async function recorded(options: ConfigOptions): Promise<Recorded> {
  const { config } = loadOrEnd(loadPublicConfig, options);
  const places = { folder: join(config.stateDir, "usage"), journalFolder: join(config.stateDir, "journal") };
  const days = await readUsage(places, (reason) => console.error(reason)).catch((error) =>
    notReadable(error, "usage ledger"),
  );
  return { config, days };
}

/** The accounts asked for: that one, or all of the config and of the ledger. Ends the command for an unknown one. */
export function accountsOf({ config, days }: Recorded, asked: string | undefined): string[] {
  const known = [...new Set([...config.accounts.map(({ name }) => name), ...recordedAccounts(days)])];
  if (asked === undefined) return known;
  if (known.includes(asked)) return [asked];
  throw new CommandError(exit.failed, `There is no account ${asked}: known are ${known.join(", ")}`);
}
