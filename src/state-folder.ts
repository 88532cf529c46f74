/**
 * The state folder of a running agent: locked first, then everything that is on disk in it, opened in its order.
 *
 *     lock ─▶ instance ─▶ journal ─▶ events ─▶ ledger, indexer ─▶ spool
 *
 * Promises: two agents never share a state folder; `close` ends all of it the other way round, and so does a failed start.
 * Refuses (AgentError) a folder that somebody has, or that cannot be used; the message is a sentence for the operator.
 */
import { join } from "node:path";
import type { Config } from "./config/config.ts";
import { type LastRun, readLastRun } from "./delivery/history.ts";
import { Indexer } from "./journal/indexer.ts";
import { Journal } from "./journal/journal.ts";
import { createEvents, type HeardEvents, type Told } from "./observe/events.ts";
import { addressHasher, hideRecipients } from "./observe/hidden-recipients.ts";
import type { Log } from "./observe/log.ts";
import { readLogKey } from "./observe/log-key.ts";
import { readInstance } from "./spool/instance.ts";
import { Spool } from "./spool/spool.ts";
import { lockStateDir } from "./spool/state-lock.ts";
import { Ledger } from "./usage/ledger.ts";

/** Why the agent cannot run, with the remedy. */
export class AgentError extends Error {
  readonly kind: "locked" | "unavailable";

  constructor(kind: "locked" | "unavailable", message: string) {
    super(message);
    this.kind = kind;
  }
}

export interface StateFolder {
  /** This installation's id. */
  readonly instance: string;
  readonly journalFolder: string;
  /** Before the first line of this run; milliseconds since 1970. */
  readonly startedMs: number;
  readonly lastRun: LastRun;
  readonly journal: Journal;
  readonly events: HeardEvents;
  /** The log goes on by this. */
  useLog(log: Config["log"]): void;
  /** What is told from the first moment on, until somebody listens. */
  readonly early: readonly Told[];
  /** Somebody listens. */
  heard(): void;
  readonly ledger: Ledger;
  readonly indexer: Indexer;
  readonly spool: Spool;
}

/** Opens it; `closers` gets what ends each part, in the order of opening. */
export async function openStateFolder(
  config: Config,
  log: Log,
  closers: (() => Promise<void>)[],
): Promise<StateFolder> {
  const { stateDir, keep, hostname } = config;
  const keeping = <T extends AsyncDisposable>(part: T): T => {
    closers.push(async () => part[Symbol.asyncDispose]());
    return part;
  };
  closers.push(await lock(stateDir));
  const { id: instance, renewed } = await readInstance(stateDir).catch(unusable(stateDir));
  const journalFolder = join(stateDir, "journal");
  const startedMs = Date.now();
  const lastRun = await readLastRun(journalFolder, startedMs);
  const journal = keeping(
    await Journal.open({ folder: journalFolder, historyMs: keep.historyMs, now: Date.now }).catch(
      unusable(journalFolder),
    ),
  );
  const hash = addressHasher(await readLogKey(stateDir).catch(unusable(stateDir)));
  let hidden = config.log.recipients === "hashed";
  const forLog = (said: object) => (hidden ? hideRecipients(said, hash) : said);
  const events = createEvents({ log, journal, now: Date.now, forLog });
  const early: Told[] = [];
  const heard = events.hear((told) => early.push(told));
  if (renewed !== undefined) events.report("trouble", { part: "instance", reason: renewed }, "warn");
  const ledger = keeping(
    new Ledger({
      folder: join(stateDir, "usage"),
      journalFolder,
      keepMs: keep.usageMs,
      origin: { host: hostname, instance },
      now: Date.now,
      onTrouble: (reason) => events.report("trouble", { part: "usage", reason }, "error"),
    }),
  );
  const indexer = keeping(
    new Indexer({
      folder: journalFolder,
      onTrouble: (reason) => events.report("trouble", { part: "journal", reason }, "warn"),
    }),
  );
  const spool = keeping(await openSpool(config).catch(unusable(join(stateDir, "spool"))));
  return {
    instance,
    journalFolder,
    startedMs,
    lastRun,
    journal,
    events,
    useLog: ({ level, recipients }) => {
      log.level = level;
      hidden = recipients === "hashed";
    },
    early,
    heard,
    ledger,
    indexer,
    spool,
  };
}

/** The lock, or a sentence that names who has it. */
async function lock(stateDir: string): Promise<() => Promise<void>> {
  const held = await lockStateDir(stateDir).catch(unusable(stateDir));
  if (held.ok) return held.release;
  const remedy = "stop it first, or give this one a stateDir of its own";
  throw new AgentError(
    "locked",
    `Cannot start as another agent (process ${held.holder}) works in ${stateDir}: ${remedy}`,
  );
}

function unusable(path: string): (error: Error) => never {
  return (error) => {
    throw new AgentError("unavailable", `Cannot use stateDir ${path}: ${error.message}`);
  };
}

function openSpool({ stateDir, limits }: Config): Promise<Spool> {
  return Spool.open({
    folder: join(stateDir, "spool"),
    maxMessages: limits.queue,
    freeDiskBytes: limits.freeDiskBytes,
    now: Date.now,
    random: Math.random,
  });
}
