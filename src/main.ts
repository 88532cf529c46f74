#!/usr/bin/env node
/**
 * The entry of the `sluice` command.
 *
 * Promises: the process ends by itself, with the command's exit code, when the command is done; output that cannot be
 * written is a sentence and an exit code of its own.
 * Refuses: nothing; cli/program.ts knows the commands. Only sendmail is told apart here: the name that it is called by
 * counts (see cli/sendmail.ts for how it is installed).
 */
import { basename } from "node:path";
import { exit } from "./cli/exit.ts";
import { isSendmailName } from "./cli/sendmail-name.ts";

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever reads our output may go before we end (`sluice config | head`, a closed terminal): that is no error of ours.
  if (error.code === "EPIPE" || error.code === "EIO") return;
  console.error(`Cannot write the output: ${error.message}`);
  process.exitCode = exit.unavailable;
});

void run().then((code) => {
  if (code !== exit.ok) process.exitCode = code;
});

/** Called as sendmail, mailq or newaliases it is that; so quickly that nothing else is loaded, for cron calls it often. */
async function run(): Promise<number> {
  const [path = "", ...words] = process.argv.slice(1);
  const program = basename(path);
  const [name, ...rest] = isSendmailName(program) ? [program, ...words] : words;
  if (isSendmailName(name)) return (await import("./cli/sendmail.ts")).runSendmail(name, rest);
  return (await import("./cli/program.ts")).runCommandLine(words);
}
