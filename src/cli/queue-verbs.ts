/**
 * `sluice queue retry|hold|release|bounce|delete ID...`: what an operator may do to messages in the queue.
 *
 * Promises: each id stands for itself: what can be done is done, one line each on stdout; what cannot is a sentence on
 * stderr and exit code 1. Delete asks first on a terminal.
 * Refuses to do anything without the running agent (exit code 69: only it knows what is in a session), when one of the
 * ids is no queue id, and to delete unasked where nobody can be asked (both 64).
 */
import { type Command, InvalidArgumentError } from "commander";
import { isQueueId } from "../spool/queue-id.ts";
import type { Verb, VerbResult } from "../spool/verb.ts";
import { askRunning } from "./ask-agent.ts";
import { type ConfigOptions, withConfigOption } from "./config-file.ts";
import { confirmed } from "./confirm.ts";
import { CommandError, exit } from "./exit.ts";

type Options = ConfigOptions & { json?: true; reason?: string; yes?: true };

const MAX_REASON_LENGTH = 200;

const ABOUT: Readonly<
  Record<Verb, { readonly description: string; readonly example: string; readonly done: string }>
> = {
  retry: {
    description:
      "try now: also what was given up, and whatever is stopped may probe at once; never over the pace",
    example: "sluice queue retry 1m84xr46400t1k",
    done: "retried, due at once",
  },
  hold: {
    description: "park: it waits until it is released",
    example: 'sluice queue hold 1m84xr46400t1k --reason "wrong template"',
    done: "held until it is released",
  },
  release: {
    description: "unpark: what is held is due at once",
    example: "sluice queue release 1m84xr46400t1k",
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
    example: "sluice queue delete --yes 1m84xr46400t1k 1m84xr46500v2m",
    done: "deleted",
  },
};

/** Adds the commands to `queue`. */
export function registerQueueVerbs(queue: Command): void {
  for (const verb of Object.keys(ABOUT) as Verb[]) {
    const { description, example } = ABOUT[verb];
    const command = withConfigOption(queue.command(`${verb} <id...>`))
      .description(description)
      .option("--json", "print one JSON document")
      .addHelpText("after", `\nExample:\n  ${example}`)
      .action((ids: string[], options: Options) => apply(verb, [...new Set(ids)], options));
    if (verb === "hold")
      command.option("--reason <text>", "why, for whoever looks at the queue", parseReason);
    if (verb === "bounce")
      command.option("--reason <text>", "why, for the sender: it stands in the notice", parseReason);
    if (verb === "delete") command.option("-y, --yes", "do not ask");
  }
}

/** What came of one id; `failed`: the agent met trouble, with its disk say. */
type Outcome = VerbResult | { readonly done: false; readonly refused: "failed"; readonly why: string };

async function apply(verb: Verb, ids: readonly string[], options: Options): Promise<void> {
  const wrong = ids.find((id) => !isQueueId(id));
  if (wrong !== undefined)
    throw new CommandError(exit.usage, `${wrong} is not a queue id: it has 14 letters and digits`);
  if (verb === "delete" && !options.yes) await askFirst(ids.length);
  const lines: ({ readonly id: string } & Outcome)[] = [];
  for (const id of ids) {
    const line = { id, ...(await applyOne(verb, id, options)) };
    lines.push(line);
    if (!line.done) console.error(`${id}: not done: ${line.why}`);
    else if (!options.json) console.log(`${id}: ${ABOUT[verb].done}`);
  }
  if (options.json) console.log(JSON.stringify(lines, undefined, 2));
  if (lines.some(({ done }) => !done)) throw new CommandError(exit.failed, "");
}

async function applyOne(verb: Verb, id: string, options: Options): Promise<Outcome> {
  const { reason } = options;
  const answer = await askRunning(
    options,
    `/api/v1/queue/${id}/${verb}`,
    reason === undefined ? {} : { reason },
  );
  if (!answer)
    throw new CommandError(
      exit.unavailable,
      `Cannot ${verb} ${id} as the agent is not running: start it first, only it knows what is in a session`,
    );
  const { result, error } = answer.body as { result?: VerbResult; error?: string };
  return result ?? { done: false, refused: "failed", why: `the agent could not do it: ${error}` };
}

async function askFirst(count: number): Promise<void> {
  if (!process.stdin.isTTY)
    throw new CommandError(
      exit.usage,
      "Cannot ask before deleting for good as there is no terminal: say --yes",
    );
  const what = count === 1 ? "1 message" : `${count} messages`;
  const streams = { input: process.stdin, output: process.stderr };
  if (!(await confirmed(`Delete ${what} for good?`, streams)))
    throw new CommandError(exit.failed, "Nothing was deleted.");
}

function parseReason(text: string): string {
  const trimmed = text.trim();
  if (trimmed !== "" && trimmed.length <= MAX_REASON_LENGTH && !/[\r\n]/.test(trimmed)) return trimmed;
  throw new InvalidArgumentError(`Say it in one line of at most ${MAX_REASON_LENGTH} characters.`);
}
