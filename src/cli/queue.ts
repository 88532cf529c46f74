/**
 * `sluice queue list|show|stats`: what is in the queue and why it waits. The verbs are in queue-verbs.ts.
 *
 * Promises: answers come from the running agent; without one they are read from the spool on disk, which says the
 * same but for what is in a session just now, and a note on stderr says so. `--json` prints one document of stable
 * shape. An id that is not there is exit code 1, with a sentence.
 */
import { constants, createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import { loadPublicConfig } from "../config/load.ts";
import { parseDuration } from "../config/units.ts";
import { type HealthView, healthLines } from "../control/health-text.ts";
import { messagePage, queueTable, statsText } from "../control/queue-text.ts";
import {
  listQueue,
  type QueueDetail,
  type QueueFilter,
  type QueueRow,
  type QueueSource,
  type QueueStats,
  queueStats,
  SHOWN_STATES,
  showMessage,
} from "../control/queue-view.ts";
import { SpoolMessage } from "../spool/message.ts";
import { isQueueId } from "../spool/queue-id.ts";
import { spoolIds } from "../spool/spool.ts";
import { askRunning } from "./ask-agent.ts";
import { type ConfigOptions, loadOrEnd, withConfigOption } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";
import { registerRepolicy } from "./queue-repolicy.ts";
import { registerQueueVerbs } from "./queue-verbs.ts";

type Options = ConfigOptions & { json?: true };
type ListOptions = Options & Omit<QueueFilter, "olderThanMs"> & { olderThan?: number };

const EXAMPLE = `
Example:
  sluice queue list --state deferred --recipient @example.org
  sluice queue show 1m84xr46400t1k
  sluice queue retry 1m84xr46400t1k`;

/** Adds the commands. */
export function registerQueue(program: Command): void {
  const queue = program
    .command("queue")
    .description("what is in the queue, why it waits, and what may be done about it")
    .addHelpText("after", EXAMPLE);
  withJson(queue.command("list", { isDefault: true }))
    .description("one line a message, oldest first")
    .addOption(new Option("--state <state>", "only messages in this state").choices(SHOWN_STATES))
    .option("--sender <text>", "only messages whose envelope sender contains this")
    .option("--recipient <text>", "only messages with a recipient that contains this")
    .option("--account <name>", "only messages of this account")
    .option("--older-than <time>", "only messages at least so old: 90s, 10m, 2h, 1d", parseAge)
    .option("--limit <count>", "at most so many lines", parseCount, 1000)
    .action(list);
  withJson(queue.command("show <id>"))
    .description("everything about one message")
    .option("--raw", "print the bytes that go to the upstream")
    .action(show);
  withJson(queue.command("stats")).description("counts by state, and the age of the oldest").action(stats);
  registerQueueVerbs(queue);
  registerRepolicy(queue);
}

function withJson(command: Command): Command {
  return withConfigOption(command).option("--json", "print one JSON document");
}

async function list(options: ListOptions): Promise<void> {
  const filter: QueueFilter = {
    limit: options.limit,
    ...(options.state === undefined ? {} : { state: options.state }),
    ...(options.sender === undefined ? {} : { sender: options.sender }),
    ...(options.recipient === undefined ? {} : { recipient: options.recipient }),
    ...(options.account === undefined ? {} : { account: options.account }),
    ...(options.olderThan === undefined ? {} : { olderThanMs: options.olderThan }),
  };
  const query = new URLSearchParams(
    Object.entries(filter).map(([name, value]): [string, string] => [name, String(value)]),
  );
  const { rows, more } = await ask<{ rows: QueueRow[]; more: boolean }>(
    options,
    `/api/v1/queue?${query}`,
    (source) => listQueue(source, filter),
  );
  if (options.json) return console.log(JSON.stringify(rows, undefined, 2));
  const health = await askRunning(options, "/api/v1/health"); // undefined: only the agent knows
  const lines = health?.status === 200 ? healthLines(health.body as HealthView) : [];
  console.log([queueTable(rows, more), ...lines].join("\n"));
}

async function show(id: string, options: Options & { raw?: true }): Promise<void> {
  if (!isQueueId(id))
    throw new CommandError(exit.usage, `${id} is not a queue id: it has 14 letters and digits`);
  if (options.raw) return showRaw(id, options);
  const message = await ask<QueueDetail | undefined>(options, `/api/v1/queue/${id}`, (source) =>
    showMessage(source, id),
  );
  if (!message) throw notThere(id);
  console.log(options.json ? JSON.stringify(message, undefined, 2) : messagePage(message));
}

/** The wire bytes come from disk, whether the agent runs or not. */
async function showRaw(id: string, options: Options): Promise<void> {
  const path = join(loadOrEnd(loadPublicConfig, options).config.stateDir, "spool", id);
  const opened = await SpoolMessage.open(path, id).catch(notReadable);
  if (!opened.ok)
    throw opened.why === "gone" ? notThere(id) : new CommandError(exit.data, `${path}: ${opened.problem}`);
  const { start, end } = opened.message.wireRange;
  await opened.message.close();
  await pipeline(createReadStream(path, { start, end: end - 1 }), process.stdout, { end: false });
}

async function stats(options: Options): Promise<void> {
  const found = await ask<QueueStats>(options, "/api/v1/queue/stats", queueStats);
  console.log(options.json ? JSON.stringify(found, undefined, 2) : statsText(found));
}

/** Asks the agent, or the disk when no agent runs. Undefined when it is not there. */
async function ask<T>(
  options: Options,
  path: string,
  fromDisk: (source: QueueSource) => Promise<T>,
): Promise<T> {
  const answer = await askRunning(options, path);
  if (answer) {
    if (answer.status === 404) return undefined as T;
    if (answer.status === 200) return answer.body as T;
    throw new CommandError(exit.failed, `the agent could not answer: ${JSON.stringify(answer.body)}`);
  }
  const folder = join(loadOrEnd(loadPublicConfig, options).config.stateDir, "spool");
  await access(folder, constants.R_OK).catch(notReadable);
  console.error("The agent is not running: read from the spool on disk.");
  const spool = {
    ids: () => spoolIds(folder),
    open: (id: string) => SpoolMessage.open(join(folder, id), id),
  };
  const unknown = () => undefined;
  const source = {
    spool,
    now: Date.now,
    active: () => false,
    outlook: async () => undefined,
    pairStopped: unknown,
  };
  return fromDisk(source);
}

function notReadable(error: NodeJS.ErrnoException): never {
  if (error.code === "ENOENT") {
    throw new CommandError(
      exit.unavailable,
      `${error.path}: there is no spool; was the agent ever started with this config?`,
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

function notThere(id: string): CommandError {
  return new CommandError(exit.failed, `${id} is not in the queue: it was delivered, or never was here`);
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number from 1.");
}

function parseAge(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError("Write 90s, 10m, 2h or 1d.");
}
