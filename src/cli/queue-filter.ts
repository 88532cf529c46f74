/**
 * Which messages a queue command is about: the filter options, as commander, the API and a person have them.
 *
 * Promises: the same options mean the same to `list` and to every verb; all of them must hold. Refuses, as commander
 * does, a state, an age or a count that is none, and an empty text: a shell variable that is not set must not mean all.
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import { formatDuration } from "../config/units.ts";
import type { QueueFilter, QueuePage } from "../control/queue-scan.ts";
import { SHOWN_STATES, type ShownState } from "../control/queue-view.ts";
import { visible } from "../mail/reply.ts";
import { lengthOfTime, wholeNumber } from "./arguments.ts";

export interface FilterOptions {
  readonly state?: ShownState;
  readonly sender?: string;
  readonly recipient?: string;
  readonly account?: string;
  readonly user?: string;
  /** Milliseconds. */
  readonly olderThan?: number;
  readonly limit?: number;
}

/** Adds `--state --sender --recipient --account --user --older-than --limit`. */
export function withFilters(command: Command): Command {
  return command
    .addOption(new Option("--state <state>", "only messages in this state").choices(SHOWN_STATES))
    .option("--sender <text>", "only messages whose envelope sender contains this", parseText)
    .option("--recipient <text>", "only messages with a recipient that contains this", parseText)
    .option("--account <name>", "only messages of this account", parseText)
    .option("--user <name>", "only messages of this local user", parseText)
    .option("--older-than <time>", "only messages at least so old: 90s, 10m, 2h, 1d", lengthOfTime)
    .option("--limit <count>", "at most so many, the oldest first", wholeNumber({ least: 1 }));
}

/** What the options ask for; the limit is no part of it. */
export function filterOf({
  state,
  sender,
  recipient,
  account,
  user,
  olderThan,
}: FilterOptions): Omit<QueueFilter, "verb"> {
  return {
    ...(state === undefined ? {} : { state }),
    ...(sender === undefined ? {} : { sender }),
    ...(recipient === undefined ? {} : { recipient }),
    ...(account === undefined ? {} : { account }),
    ...(user === undefined ? {} : { user }),
    ...(olderThan === undefined ? {} : { olderThanMs: olderThan }),
  };
}

/** Whether some option lets only some messages through, or only so many. */
export function isFiltered(options: FilterOptions): boolean {
  return options.limit !== undefined || Object.keys(filterOf(options)).length > 0;
}

/** The same for the API. */
export function queryOf(filter: QueueFilter, page: QueuePage): URLSearchParams {
  const said = Object.entries({ ...filter, ...page });
  return new URLSearchParams(said.map(([name, value]): [string, string] => [name, String(value)]));
}

/** For a question: ` (sender news@, older than 3d)`; empty without a filter. */
export function filterText(options: FilterOptions): string {
  const { olderThan, limit } = options;
  const { olderThanMs: _, ...named } = filterOf(options) as QueueFilter;
  const said = [
    ...Object.entries(named).map(([name, value]) => `${name} ${visible(String(value), 80)}`),
    ...(olderThan === undefined ? [] : [`older than ${formatDuration(olderThan)}`]),
    ...(limit === undefined ? [] : [`at most ${limit}`]),
  ];
  return said.length === 0 ? "" : ` (${said.join(", ")})`;
}

function parseText(text: string): string {
  if (text.trim() !== "") return text;
  throw new InvalidArgumentError("It must not be empty: leave the option out.");
}
