/**
 * The state folder as commands read it: where it is, and the queue in it when no agent answers.
 *
 * Promises: a config with problems in it still says where the state folder is: the agent runs on the one before, and whoever
 * asks about mail is helped, and told. What is not there or may not be read is a sentence and an exit code.
 */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { processEnvironment } from "../config/environment.ts";
import { readConfig } from "../config/load.ts";
import type { QueueSource } from "../control/queue-view.ts";
import { glanceAt } from "../spool/glance.ts";
import { spoolIds } from "../spool/spool.ts";
import { type ConfigOptions, problemText } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";

const told = new Set<string>();

/** The state folder; ends the command when not even that can be read from the config. */
export function stateDirOf({ config: name }: ConfigOptions): string {
  const { file, problems, contents } = readConfig(name, processEnvironment(), "left-alone");
  if (problems.length > 0 && !contents?.stateDir)
    throw new CommandError(exit.config, problems.map((problem) => problemText(name, problem)).join("\n"));
  if (problems.length > 0 && !told.has(file)) {
    told.add(file);
    console.error(`${name} has problems, which sluice check names: a running agent goes by the one before.`);
  }
  return contents?.stateDir ?? "";
}

/** The folder of the spool. */
export function spoolFolder(options: ConfigOptions): string {
  return join(stateDirOf(options), "spool");
}

/** The queue as its files tell it. */
export function queueOnDisk(folder: string): QueueSource {
  return {
    spool: { ids: () => spoolIds(folder), glance: (id) => glanceAt(join(folder, id), id) },
    now: Date.now,
    active: () => false,
    outlook: async () => undefined,
    pairStopped: () => undefined,
  };
}

/** Ends the command unless this folder can be read; `what`: a word for it. */
export async function readableOrEnd(folder: string, what: "spool" | "journal"): Promise<void> {
  await access(folder, constants.R_OK | constants.X_OK).catch((error) => notReadable(error, what));
}

/** Ends the command with a sentence about what is not there or may not be read. */
export function notReadable(error: NodeJS.ErrnoException, what: string): never {
  if (error.code === "ENOENT") {
    throw new CommandError(
      exit.unavailable,
      `${error.path}: there is no ${what}; was the agent ever started with this config?`,
    );
  }
  if (error.code === "EACCES") {
    throw new CommandError(
      exit.notAllowed,
      `${error.path}: permission denied; be root or the user that the agent runs as`,
    );
  }
  throw error;
}
