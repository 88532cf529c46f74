/**
 * `sluice trace TERM`: the life of messages, delivered, refused or under way, from the journal.
 *
 * Promises: answers come from the running agent; without one from journal and spool on disk, which know the same but for
 * what is in a session just now, and a note on stderr says so. `--json` prints one document of stable shape. Nothing
 * found is exit code 1, with a sentence that says how far back the journal goes and what else to ask for.
 */
import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { processEnvironment } from "../config/environment.ts";
import { loadPublicConfig } from "../config/load.ts";
import { formatDuration } from "../config/units.ts";
import { MOMENT_FORMS, type Moment, parseMoment } from "../control/moment.ts";
import { showMessage } from "../control/queue-view.ts";
import { MOST_MESSAGES, type TraceAnswer, type TraceQuestion, trace } from "../control/trace.ts";
import { nothingFound, traceText } from "../control/trace-text.ts";
import { wholeNumber } from "./arguments.ts";
import { askRunning, notAnswered } from "./ask-agent.ts";
import { type ConfigOptions, withConfigOption } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";
import { jsonText } from "./json.ts";
import { queueOnDisk, readableOrEnd, spoolFolder, stateDirOf } from "./state-on-disk.ts";

interface Options extends ConfigOptions {
  since?: Moment;
  until?: Moment;
  limit: number;
  json?: true;
}

const EXAMPLE = `
Examples:
  sluice trace dean@wisc.edu --since 9:10 --until 9:20    where is the 9:14 mail to the dean?
  sluice trace 1m84xr46400t1k                             the queue id, as in the reply 250
  sluice trace '<20260331.1@app01.lab.wisc.edu>'          the Message-ID
  sluice trace @example.org --since 2d                    everybody there, the last two days

Letter case makes no difference. Times are local.`;

/** Adds the command. */
export function registerTrace(program: Command): void {
  withConfigOption(program.command("trace"))
    .description("the life of messages by queue id, Message-ID or address, refused ones included")
    .argument("<term>", "queue id, Message-ID, address (sender, From or recipient) or @domain")
    .addOption(new Option("--since <time>", "only messages with news since then").argParser(readMoment))
    .addOption(new Option("--until <time>", "only messages with news until then").argParser(readMoment))
    .addOption(
      new Option("--limit <count>", "at most so many messages, the newest")
        .argParser(wholeNumber({ least: 1, most: MOST_MESSAGES }))
        .default(20),
    )
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLE)
    .action(run);
}

async function run(term: string, options: Options): Promise<void> {
  const question = questionOf(term, options);
  const answer = (await askedAgent(question, options)) ?? (await fromDisk(question, options));
  if (answer.messages.length === 0) {
    if (options.json) console.log("[]");
    const loaded = loadPublicConfig(options.config, processEnvironment());
    const history = loaded.ok ? formatDuration(loaded.config.keep.historyMs) : undefined;
    throw new CommandError(exit.failed, nothingFound(question, { from: answer.from, history }));
  }
  console.log(options.json ? jsonText(answer.messages) : traceText(answer));
}

function questionOf(term: string, { since, until, limit }: Options): TraceQuestion {
  if (/^[\s<>]*$/.test(term))
    throw new CommandError(
      exit.usage,
      "There is nothing to look for: name a queue id, Message-ID or address",
    );
  if (since && since.fromMs > Date.now())
    throw new CommandError(exit.usage, "--since is still to come: write the date too, as in 2026-03-31 9:14");
  if (since && until && since.fromMs > until.toMs)
    throw new CommandError(exit.usage, "--since is later than --until: exchange them");
  return {
    term,
    limit,
    ...(since ? { sinceMs: since.fromMs } : {}),
    ...(until ? { untilMs: until.toMs } : {}),
  };
}

/** Undefined when no agent runs. */
async function askedAgent(
  { term, sinceMs, untilMs, limit }: TraceQuestion,
  options: Options,
): Promise<TraceAnswer | undefined> {
  const query = new URLSearchParams({ term, limit: String(limit) });
  if (sinceMs !== undefined) query.set("since", new Date(sinceMs).toISOString());
  if (untilMs !== undefined) query.set("until", new Date(untilMs).toISOString());
  const answer = await askRunning(options, `/api/v1/trace?${query}`);
  if (!answer || answer.status === 200) return answer?.body as TraceAnswer | undefined;
  throw notAnswered(answer);
}

async function fromDisk(question: TraceQuestion, options: Options): Promise<TraceAnswer> {
  const folder = join(stateDirOf(options), "journal");
  await readableOrEnd(folder, "journal");
  console.error("The agent is not running: read from journal and spool on disk.");
  const source = queueOnDisk(spoolFolder(options));
  return trace({ folder, queued: (id) => showMessage(source, id) }, question);
}

function readMoment(text: string): Moment {
  const moment = parseMoment(text, Date.now());
  if (moment) return moment;
  throw new InvalidArgumentError(`It is no time: ${MOMENT_FORMS}.`);
}
