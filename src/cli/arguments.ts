/**
 * How arguments are read, the same way by every command: a count, a length of time, one address.
 *
 * Promises: what is no such thing ends the command with a sentence that says what to write, exit code 64.
 * Refuses an address that the listener would refuse as well, and more than one.
 */
import { InvalidArgumentError } from "commander";
import { parseDuration } from "../config/units.ts";
import { type Path, parseCommandArgument } from "../mail/address.ts";
import { CommandError, exit } from "./exit.ts";

/** A parser of whole numbers from `least` to `most`. */
export function wholeNumber({ least, most }: { readonly least: number; readonly most?: number }) {
  const bounds = most === undefined ? `from ${least}` : `from ${least} to ${most}`;
  return (text: string): number => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value >= least && value <= (most ?? value)) return value;
    throw new InvalidArgumentError(`It must be a whole number ${bounds}.`);
  };
}

/** Milliseconds of `90s`, `10m`, `2h`, `1d`. */
export function lengthOfTime(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError("Write 90s, 10m, 2h or 1d.");
}

/** The address that an option names, as MAIL and RCPT would have it; `<>` and no text at all are the null address. */
export function addressArgument(option: string, text: string): Path {
  const argument = parseCommandArgument(text === "" ? "<>" : text);
  if (!argument.ok)
    throw new CommandError(exit.usage, `${option} ${JSON.stringify(text)}: ${argument.problem}`);
  if (argument.parameters.size === 0) return argument.path;
  throw notPlain(option, text);
}

/** What ends a command that was given something else than one plain address. */
export function notPlain(option: string, text: string): CommandError {
  return new CommandError(exit.usage, `${option} ${JSON.stringify(text)}: it is not one plain address`);
}
