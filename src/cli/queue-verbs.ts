/**
 * `sluice queue retry|hold|release|bounce|delete ID...|--all|filters`: what an operator may do to messages in the queue.
 *
 * Promises: each id stands for itself: what can be done is done, one line each on stdout; what cannot is a sentence on
 * stderr and exit code 1. Delete asks first on a terminal, and every verb does that is told no ids (queue-bulk.ts).
 * Refuses to do anything without the running agent (exit code 69: only it knows what is in a session), when one of the
 * ids is no queue id, when ids and filters are mixed, and to ask where nobody can be asked (all 64).
 */
import { type Command, InvalidArgumentError } from "commander";
import type { IdOutcome } from "../control/bulk.ts";
import { counted } from "../observe/figures.ts";
import { isQueueId } from "../spool/queue-id.ts";
import type { Verb } from "../spool/verb.ts";
import { withConfigOption } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";
import { jsonText } from "./json.ts";
import { applyToMatching, askFirst, type BulkOptions, inBatches } from "./queue-bulk.ts";
import { isFiltered, withFilters } from "./queue-filter.ts";

type Options = BulkOptions & { readonly all?: true };

const MAX_REASON_LENGTH = 200;

const ABOUT: Readonly<
  Record<Verb, { readonly description: string; readonly example: string; readonly done: string }>
> = {
  retry: {
    description:
      "try now: also what was given up, and whatever is stopped may probe at once; never over the pace",
    example: "sluice queue retry 1m84xr46400t1k\n  sluice queue retry --all",
    done: "retried, due at once",
  },
  hold: {
    description: "park: it waits until it is released",
    example:
      'sluice queue hold 1m84xr46400t1k --reason "wrong template"\n  sluice queue hold --sender news@ --older-than 2h',
    done: "held until it is released",
  },
  release: {
    description: "unpark: what is held is due at once",
    example: "sluice queue release 1m84xr46400t1k\n  sluice queue release --all --dry-run",
    done: "released, due at once",
  },
  bounce: {
    description:
      "give up now: the sender gets a notice, the message stays for keep.bounced and can be retried",
    example: 'sluice queue bounce 1m84xr46400t1k --reason "the list is out of date"',
    done: "given up",
  },
  delete: {
    description: "remove for good, without a notice; asks first",
    example:
      "sluice queue delete --yes 1m84xr46400t1k 1m84xr46500v2m\n  sluice queue delete --state bounced --older-than 3d",
    done: "deleted",
  },
};

/** Adds the commands to `queue`. */
export function registerQueueVerbs(queue: Command): void {
  for (const verb of Object.keys(ABOUT) as Verb[]) {
    const { description, example } = ABOUT[verb];
    const command = withConfigOption(queue.command(`${verb} [id...]`))
      .description(description)
      .option("--all", "every message that this makes sense for");
    withFilters(command)
      .option("--dry-run", "say how many messages that would be, and do nothing")
      .option("-y, --yes", "do not ask")
      .option("--json", "print one JSON document")
      .addHelpText("after", `\nExample${example.includes("\n") ? "s" : ""}:\n  ${example}`)
      .action((ids: string[], options: Options) => apply(verb, [...new Set(ids)], options));
    if (verb === "hold")
      command.option("--reason <text>", "why, for whoever looks at the queue", parseReason);
    if (verb === "bounce")
      command.option("--reason <text>", "why, for the sender: it stands in the notice", parseReason);
  }
}

async function apply(verb: Verb, ids: readonly string[], options: Options): Promise<void> {
  const many = options.all === true || isFiltered(options);
  if (ids.length === 0 && !many)
    throw new CommandError(
      exit.usage,
      `Cannot ${verb} as nothing says which messages: name ids, say --all, or give a filter (--help says which)`,
    );
  if (ids.length > 0 && (many || options.dryRun))
    throw new CommandError(
      exit.usage,
      `Cannot ${verb} as ids and ${options.dryRun ? "--dry-run" : "filters or --all"} do not go together: say one of them`,
    );
  return many ? applyToMatching(verb, options) : applyToIds(verb, ids, options);
}

async function applyToIds(verb: Verb, ids: readonly string[], options: Options): Promise<void> {
  const wrong = ids.find((id) => !isQueueId(id));
  if (wrong !== undefined)
    throw new CommandError(exit.usage, `${wrong} is not a queue id: it has 14 letters and digits`);
  if (verb === "delete" && !options.yes) await askFirst(verb, counted(ids.length, "message"));
  const outcomes: IdOutcome[] = [];
  for await (const batch of inBatches(verb, ids, options)) {
    for (const outcome of batch) {
      outcomes.push(outcome);
      if (!outcome.done) console.error(`${outcome.id}: not done: ${outcome.why}`);
      else if (!options.json) console.log(`${outcome.id}: ${ABOUT[verb].done}`);
    }
  }
  if (options.json) console.log(jsonText(outcomes));
  if (outcomes.some(({ done }) => !done)) throw new CommandError(exit.failed, "");
}

function parseReason(text: string): string {
  const trimmed = text.trim();
  if (trimmed !== "" && trimmed.length <= MAX_REASON_LENGTH && !/[\r\n]/.test(trimmed)) return trimmed;
  throw new InvalidArgumentError(`Say it in one line of at most ${MAX_REASON_LENGTH} characters.`);
}
