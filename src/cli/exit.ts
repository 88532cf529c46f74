/**
 * How a command ends: exit codes (sysexits.h) and the sentence that goes with them.
 *
 * Promises: whoever throws a `CommandError` ends the command with that sentence on stderr and that code, no stack trace.
 * Refuses: numbers in the commands; every code has its name here.
 */
import { debuglog } from "node:util";
import { visible } from "../mail/reply.ts";

/** Exit codes of every command. */
export const exit = {
  ok: 0,
  /** A check failed, or what was asked for is not there. */
  failed: 1,
  /** EX_USAGE: a wrong option or argument. */
  usage: 64,
  /** EX_DATAERR: the input is not what it should be. */
  data: 65,
  /** EX_NOUSER: nobody has that address. */
  noUser: 67,
  /** EX_UNAVAILABLE: something needed is not there. */
  unavailable: 69,
  /** EX_SOFTWARE: a bug of ours. */
  bug: 70,
  /** EX_TEMPFAIL: try again later. */
  tryAgain: 75,
  /** EX_NOPERM: policy says no. */
  notAllowed: 77,
  /** EX_CONFIG: the config is wrong or missing. */
  config: 78,
} as const;

export type ExitCode = (typeof exit)[keyof typeof exit];

/** Ends a command. The sentence is for a person: what, why, the value and the remedy; empty when all is said. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, sentence: string) {
    super(sentence);
    this.exitCode = exitCode;
  }
}

/** Says on stderr what went wrong, unless it has been said; `before` stands before the sentence. */
export function endedBy(error: unknown, before = ""): ExitCode {
  if (error instanceof CommandError) {
    if (error.message !== "") console.error(harmless(`${before}${error.message}`));
    return error.exitCode;
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  console.error(harmless(`sluice: this is a bug: ${message} (NODE_DEBUG=sluice shows where)`));
  debuglog("sluice")("%s", stack);
  return exit.bug;
}

/** What was typed stands in the sentence, and a script may have been given it by a stranger. */
export function harmless(text: string): string {
  return text
    .split("\n")
    .map((line) => visible(line, Number.POSITIVE_INFINITY))
    .join("\n");
}
