#!/usr/bin/env node
/**
 * The entry of the `sluice` command.
 *
 * Promises: the process ends by itself, with the command's exit code, when the command is done.
 * Refuses: nothing; cli/program.ts knows the commands.
 */
import { runCommandLine } from "./cli/program.ts";

// Whoever reads our output may go before we end (`sluice config | head`, a closed terminal): that is no error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
});

void runCommandLine(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
