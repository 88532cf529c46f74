/**
 * A verb of the queue on many messages: counted first, asked about, done in batches, summed up.
 *
 *     count the ids that match ─▶ ask (or --yes) ─▶ batches of 500 ─▶ those in a session again, a few times ─▶ summary
 *
 * Promises: what is counted is what the verb makes sense for; what changed meanwhile is no failure; what could not be
 * done is named with its reason, exit code 1. Progress stands on stderr, on a terminal only.
 * Refuses to do anything unasked where nobody can be asked (64), and without the running agent (69).
 */
import { setTimeout as sleep } from "node:timers/promises";
import { BULK_IDS, bulkResult, bulkText, type IdOutcome, SAID } from "../control/bulk.ts";
import { queueTable } from "../control/queue-table.ts";
import { counted, grouped } from "../observe/figures.ts";
import type { Verb } from "../spool/verb.ts";
import { askRunning, notAnswered, notRunning } from "./ask-agent.ts";
import type { ConfigOptions } from "./config-file.ts";
import { confirmed } from "./confirm.ts";
import { CommandError, exit } from "./exit.ts";
import { jsonText } from "./json.ts";
import { type FilterOptions, filterOf, filterText, queryOf } from "./queue-filter.ts";
import { readRows, terminalWidth } from "./queue-list.ts";
import { QueueReader } from "./queue-reader.ts";

export interface BulkOptions extends ConfigOptions, FilterOptions {
  readonly json?: true;
  readonly yes?: true;
  readonly dryRun?: true;
  readonly reason?: string;
}

const IDS_AT_ONCE = 20_000;
const SHOWN_ROWS = 10;
/** A message is in a session for a moment only: it is asked for again. */
const ROUNDS = 5;
const ROUND_MS = 1000;

/** Does `verb` to every message that the options let through. */
export async function applyToMatching(verb: Verb, options: BulkOptions): Promise<void> {
  if (!options.yes && !options.dryRun) requireTerminal(verb);
  const ids = await matchingIds(verb, options);
  if (options.dryRun) return dryRun(verb, ids, options);
  if (ids.length > 0 && !options.yes)
    await askFirst(verb, `${counted(ids.length, "message")}${filterText(options)}`);
  const outcomes = await applyWithPatience(verb, ids, options);
  const result = bulkResult(verb, outcomes);
  console.log(options.json ? jsonText(result) : bulkText(result));
  if (result.refused.length > 0) throw new CommandError(exit.failed, "");
}

/** Asks a person; ends the command when the answer is not yes. */
export async function askFirst(verb: Verb, what: string): Promise<void> {
  requireTerminal(verb);
  const streams = { input: process.stdin, output: process.stderr };
  if (!(await confirmed(`${SAID[verb].ask.replace("%", () => what)}?`, streams)))
    throw new CommandError(exit.failed, `Nothing was ${SAID[verb].done}.`);
}

function requireTerminal(verb: Verb): void {
  if (process.stdin.isTTY) return;
  throw new CommandError(
    exit.usage,
    `Cannot ask before messages are ${SAID[verb].done} as there is no terminal: say --yes`,
  );
}

async function matchingIds(verb: Verb, options: BulkOptions): Promise<string[]> {
  const filter = { ...filterOf(options), verb };
  const most = options.limit ?? Number.POSITIVE_INFINITY;
  const ids: string[] = [];
  for (let after: string | undefined; ids.length < most; ) {
    const limit = Math.min(IDS_AT_ONCE, most - ids.length);
    const query = queryOf(filter, { limit, ...(after === undefined ? {} : { after }) });
    const answer = await askRunning(options, `/api/v1/queue/ids?${query}`);
    if (!answer) throw notRunning(`${verb} anything`);
    if (answer.status !== 200) throw notAnswered(answer);
    const slice = answer.body as { readonly ids: readonly string[]; readonly next: string | null };
    for (const id of slice.ids) ids.push(id);
    if (slice.next === null) break;
    after = slice.next;
  }
  return ids;
}

async function dryRun(verb: Verb, ids: readonly string[], options: BulkOptions): Promise<void> {
  const limit = Math.min(SHOWN_ROWS, ids.length);
  const reader = new QueueReader(options);
  const { rows } = limit === 0 ? { rows: [] } : await readRows(reader, { ...filterOf(options), verb }, limit);
  if (options.json) {
    console.log(jsonText({ verb, matched: ids.length, dryRun: true, rows }));
    return;
  }
  const rest = ids.length - rows.length;
  const lines = [
    ...queueTable(rows, { width: terminalWidth(), nowMs: Date.now() }),
    `-- would be ${SAID[verb].done}: ${counted(ids.length, "message")}${filterText(options)}${rest > 0 && rows.length > 0 ? `, ${grouped(rest)} more than shown` : ""}`,
  ];
  console.log(lines.join("\n"));
}

/** What is in a session is asked for again; the last answer counts. */
async function applyWithPatience(
  verb: Verb,
  ids: readonly string[],
  options: BulkOptions,
): Promise<IdOutcome[]> {
  const outcomes = new Map<string, IdOutcome>();
  const progress = (done: number) => showProgress(done, ids.length);
  for (let round = 0, left = ids; left.length > 0 && round <= ROUNDS; round++) {
    if (round > 0) await sleep(ROUND_MS);
    try {
      for await (const batch of inBatches(verb, left, options)) {
        for (const outcome of batch) outcomes.set(outcome.id, outcome);
        progress(outcomes.size);
      }
    } catch (error) {
      if (round === 0) throw error;
      break; // the agent ended meanwhile: what it said last stands
    }
    left = [...outcomes.values()]
      .filter((outcome) => !outcome.done && outcome.refused === "active")
      .map(({ id }) => id);
  }
  progress(Number.POSITIVE_INFINITY);
  return [...outcomes.values()];
}

/** Does `verb` to these ids, in their order; gives what came of them batch by batch, each id once. */
export async function* inBatches(
  verb: Verb,
  ids: readonly string[],
  options: Pick<BulkOptions, "config" | "reason">,
): AsyncGenerator<readonly IdOutcome[]> {
  const { reason } = options;
  for (let done = 0; done < ids.length; ) {
    const batch = ids.slice(done, done + BULK_IDS);
    const post = { ids: batch, ...(reason === undefined ? {} : { reason }) };
    const answer = await askRunning(options, `/api/v1/queue/bulk/${verb}`, post).catch((error: Error) => {
      if (error instanceof CommandError) throw error; // it was not even asked
      return { status: 0, body: { error: error.message } };
    });
    if (!answer && done === 0) throw notRunning(`${verb} anything`);
    const { results, error = "it is not running any more" } = (answer?.body ?? {}) as {
      readonly results?: readonly IdOutcome[];
      readonly error?: string;
    };
    if (!results) {
      const why = `the agent did not answer, the first of them may be done: ${error}`;
      yield ids.slice(done).map((id) => ({ id, done: false, refused: "failed", why }));
      return;
    }
    yield results;
    done += results.length;
  }
}

/** One line that overwrites itself; gone when `done` is beyond all. */
function showProgress(done: number, all: number): void {
  if (!process.stderr.isTTY || all <= BULK_IDS) return;
  process.stderr.write(done > all ? "\r\x1b[K" : `\r${grouped(done)} of ${grouped(all)}`);
}
