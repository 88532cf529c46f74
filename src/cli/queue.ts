/**
 * `sluice queue list|show|stats`: what is in the queue and why it waits. The verbs are in queue-verbs.ts.
 *
 * Promises: answers come from the running agent; without one they are read from the spool on disk, which says the
 * same but for what is in a session just now, and a note on stderr says so. `--json` prints one document of stable
 * shape. An id that is not there is exit code 1, with a sentence.
 */
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { nearest } from "../config/nearest.ts";
import { messagePage, statsText } from "../control/queue-text.ts";
import { showMessage } from "../control/queue-view.ts";
import { SpoolMessage } from "../spool/message.ts";
import { isQueueId } from "../spool/queue-id.ts";
import { type ConfigOptions, withConfigOption } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";
import { jsonText } from "./json.ts";
import { withFilters } from "./queue-filter.ts";
import { type ListOptions, list } from "./queue-list.ts";
import { QueueReader } from "./queue-reader.ts";
import { registerRepolicy } from "./queue-repolicy.ts";
import { registerQueueVerbs } from "./queue-verbs.ts";
import { notReadable, spoolFolder } from "./state-on-disk.ts";

type Options = ConfigOptions & { json?: true };

const EXAMPLE = `
Examples:
  sluice queue
  sluice queue list --state deferred --recipient @example.org
  sluice queue show 1m84xr46400t1k
  sluice queue retry 1m84xr46400t1k
  sluice queue hold --sender news@`;

/** Adds the commands. */
export function registerQueue(program: Command): void {
  const queue = program
    .command("queue")
    .description("what is in the queue, why it waits, and what may be done about it; without a command: list")
    .addHelpText("after", EXAMPLE);
  withFilters(withJson(queue.command("list", { isDefault: true })))
    .description("one line a message, oldest first; the first 1000 without --limit")
    .addHelpText("after", "\nExample:\n  sluice queue list --state deferred --recipient @example.org")
    .allowExcessArguments() // what is no command comes here: list is the default
    .action((options: ListOptions, { args: [word] }: Command) =>
      word === undefined ? list(options) : unknownWord(queue, word),
    );
  withJson(queue.command("show <id>"))
    .description("everything about one message")
    .addHelpText("after", "\nExample:\n  sluice queue show 1m84xr46400t1k --raw")
    .option("--raw", "print the bytes that go to the upstream")
    .action(show);
  withJson(queue.command("stats"))
    .description("counts by state, the age of the oldest that waits, the budget used this hour")
    .addHelpText("after", "\nExample:\n  sluice queue stats --json | jq .states.held")
    .action(stats);
  registerQueueVerbs(queue);
  registerRepolicy(queue);
}

/** Ends the command with what was probably meant. */
function unknownWord(queue: Command, word: string): never {
  if (isQueueId(word)) queue.error(`error: unknown command '${word}'\n(Did you mean show ${word}?)`);
  const near = nearest(
    word,
    queue.commands.map((command) => command.name()),
  );
  queue.error(`error: unknown command '${word}'${near === undefined ? "" : `\n(Did you mean ${near}?)`}`);
}

function withJson(command: Command): Command {
  return withConfigOption(command).option("--json", "print one JSON document");
}

async function show(id: string, options: Options & { raw?: true }): Promise<void> {
  if (!isQueueId(id))
    throw new CommandError(exit.usage, `${id} is not a queue id: it has 14 letters and digits`);
  if (options.raw) return showRaw(id, options);
  const reader = new QueueReader(options);
  const message = await reader.ask(`/api/v1/queue/${id}`, (source) => showMessage(source, id));
  if (!message) throw notThere(id);
  console.log(options.json ? jsonText(message) : messagePage(message));
}

/** The wire bytes come from disk, whether the agent runs or not. */
async function showRaw(id: string, options: Options): Promise<void> {
  const path = join(spoolFolder(options), id);
  const opened = await SpoolMessage.open(path, id).catch((error) => notReadable(error, "spool"));
  if (!opened.ok)
    throw opened.why === "gone" ? notThere(id) : new CommandError(exit.data, `${path}: ${opened.problem}`);
  const { start, end } = opened.message.wireRange;
  await opened.message.close();
  await pipeline(createReadStream(path, { start, end: end - 1 }), process.stdout, { end: false });
}

async function stats(options: Options): Promise<void> {
  const found = await new QueueReader(options).stats();
  console.log(options.json ? jsonText(found) : statsText(found));
}

function notThere(id: string): CommandError {
  return new CommandError(
    exit.failed,
    `${id} is not in the queue: it was delivered, or never was here; see sluice trace ${id}`,
  );
}
