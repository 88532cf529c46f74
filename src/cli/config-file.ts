/**
 * What every command that needs the config shares: the option, the file it means, and how problems are told.
 *
 * Promises: a broken config ends the command with all its problems on stderr and exit code 78.
 * Refuses: to print a value that may be secret; the config part has taken it out already.
 */
import { type Command, Option } from "commander";
import type { Problem } from "../config/config.ts";
import { defaultConfigFile, processEnvironment } from "../config/environment.ts";
import type { LoadResult } from "../config/load.ts";
import { CommandError, exit } from "./exit.ts";

/** The options that `withConfigOption` adds. */
export interface ConfigOptions {
  readonly config: string;
}

/** Adds `-c, --config FILE`. */
export function withConfigOption(command: Command): Command {
  const option = new Option("-c, --config <file>", "the config file; $SLUICE_CONFIG names another default");
  return command.addOption(option.default(defaultConfigFile(processEnvironment())));
}

/** Loads the config with one of the loaders of config/load.ts, or ends the command. */
export function loadOrEnd<T extends LoadResult<unknown>>(
  load: (file: string, env: NodeJS.ProcessEnv) => T,
  { config: file }: ConfigOptions,
): Extract<T, { ok: true }> {
  const result = load(file, processEnvironment());
  if (result.ok) return result as Extract<T, { ok: true }>;
  throw new CommandError(
    exit.config,
    result.problems.map((problem) => problemText(file, problem)).join("\n"),
  );
}

/** `file:12: accounts[0].name "Portal": is not an account name; write …` */
export function problemText(file: string, { line, path, value, message, remedy }: Problem): string {
  const fromEnvironment = /^[A-Z_]+$/.test(path);
  const place = fromEnvironment ? "environment" : line === undefined ? file : `${file}:${line}`;
  const subject = [path, value].filter((part) => part !== undefined && part !== "").join(" ");
  return `${place}: ${subject === "" ? "" : `${subject}: `}${message}; ${remedy}`;
}
