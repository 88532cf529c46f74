/**
 * `sluice request-sheet`: the answers that the relay service's access form asks for, to copy from.
 *
 * Promises: everything from the config (`request`, `upstream.static`, `accounts`) and the ledger; what is not known is said
 * with the key that would answer it. No password file is opened.
 */
import type { Command } from "commander";
import { requestSheet, requestSheetText } from "../usage/request-sheet.ts";
import { type ConfigOptions, withConfigOption } from "./config-file.ts";
import { jsonText } from "./json.ts";
import { recorded } from "./usage-records.ts";

const EXAMPLE = `
Example:
  sluice request-sheet > request.txt`;

/** Adds the command. */
export function registerRequestSheet(program: Command): void {
  withConfigOption(program.command("request-sheet"))
    .description("the answers that the relay service's access form asks for")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLE)
    .action(run);
}

async function run(options: ConfigOptions & { json?: true }): Promise<void> {
  const { config, days } = await recorded(options);
  const sheet = requestSheet(
    {
      ...config,
      accounts: config.accounts.map(({ name, pace }) => ({
        name,
        perHour: pace.kind === "paced" ? pace.perHour : null,
      })),
      pairs: config.senders.pairs,
    },
    days,
    Date.now(),
  );
  console.log(options.json ? jsonText(sheet) : requestSheetText(sheet));
}
