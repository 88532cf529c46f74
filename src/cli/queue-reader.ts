/**
 * Where the queue commands read: the running agent, or the spool on disk when none runs.
 *
 * Promises: the answers are the same but for what only the agent knows (what is in a session, what holds mail up, the
 * budget), and a note on stderr says, once, that the disk was read. Refuses with a sentence what may not be read.
 */
import { processEnvironment } from "../config/environment.ts";
import { loadPublicConfig } from "../config/load.ts";
import { addCounts, type Budgets, countSlice, noneYet, type QueueStats } from "../control/queue-stats.ts";
import type { QueueSource } from "../control/queue-view.ts";
import { askRunning, notAnswered } from "./ask-agent.ts";
import type { ConfigOptions } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";
import { queueOnDisk, readableOrEnd, spoolFolder } from "./state-on-disk.ts";

export type Stats = QueueStats & { readonly budget: Budgets };

export class QueueReader {
  readonly #options: ConfigOptions;
  #disk: QueueSource | undefined;

  constructor(options: ConfigOptions) {
    this.#options = options;
  }

  /** What the agent answers at `path`, or the disk when no agent runs. Undefined when it is not there. */
  async ask<T>(path: string, fromDisk: (source: QueueSource) => Promise<T>): Promise<T | undefined> {
    const answer = await this.agent(path);
    if (!answer) return fromDisk(await this.#openDisk());
    if (answer.status === 404) return undefined;
    if (answer.status === 200) return answer.body as T;
    throw notAnswered(answer);
  }

  /** What the agent answers; undefined when none runs. */
  async agent(path: string): Promise<{ readonly status: number; readonly body: unknown } | undefined> {
    return this.#disk ? undefined : askRunning(this.#options, path);
  }

  /** Counts by Redis, as the agent has them; undefined when it cannot, or does not run. */
  async quickStats(): Promise<Stats | undefined> {
    const answer = await this.agent("/api/v1/queue/stats");
    return answer?.status === 200 ? (answer.body as Stats) : undefined;
  }

  /** Counts by Redis, else by opening every file; then stderr says so. */
  async stats(): Promise<Stats> {
    const answer = await this.agent("/api/v1/queue/stats");
    if (answer?.status === 200) return answer.body as Stats;
    if (answer) console.error("Redis does not answer: counted from the spool on disk.");
    let sum: QueueStats = { states: noneYet(), oldest: null };
    for (let after: string | undefined; ; ) {
      const query = after === undefined ? "" : `?after=${after}`;
      const slice = await this.ask(`/api/v1/queue/count${query}`, (source) => countSlice(source, after));
      if (!slice) throw new CommandError(exit.failed, "The agent cannot count: it is of another version");
      sum = addCounts(sum, slice);
      if (slice.next === null) break;
      after = slice.next;
    }
    const loaded = loadPublicConfig(this.#options.config, processEnvironment());
    const accounts = loaded.ok ? loaded.config.accounts : []; // with problems: they have been told
    return { ...sum, budget: Object.fromEntries(accounts.map(({ name }) => [name, null])) };
  }

  async #openDisk(): Promise<QueueSource> {
    if (this.#disk) return this.#disk;
    const folder = spoolFolder(this.#options);
    await readableOrEnd(folder, "spool");
    console.error("The agent is not running: read from the spool on disk.");
    this.#disk = queueOnDisk(folder);
    return this.#disk;
  }
}
