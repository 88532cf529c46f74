#!/usr/bin/env node
/**
 * The entry of the `sluice` command.
 *
 * Promises: the process ends by itself, with the command's exit code, when the command is done; output that cannot be
 * written is a sentence and an exit code of its own.
 * Refuses: nothing; cli/program.ts knows the commands.
 */
import { exit } from "./cli/exit.ts";
import { runCommandLine } from "./cli/program.ts";

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever reads our output may go before we end (`sluice config | head`, a closed terminal): that is no error of ours.
  if (error.code === "EPIPE" || error.code === "EIO") return;
  console.error(`Cannot write the output: ${error.message}`);
  process.exitCode = exit.unavailable;
});

void runCommandLine(process.argv.slice(2)).then((code) => {
  if (code !== exit.ok) process.exitCode = code;
});
