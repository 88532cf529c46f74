/**
 * The agent: the one file that knows both halves. Read top to bottom, it is the architecture.
 *
 *     lock ─▶ journal, ledger, spool ─▶ listen: mail is taken from here on, whatever Redis does
 *          ─▶ control socket ─▶ delivery: Redis, queues, recovery, feeders
 *
 * `stop` goes the other way: no new mail, what is in hand is finished, sessions end, Redis last.
 * Promises: two agents never share a state folder; nothing that was started outlives `stop`, or a failed start.
 * Refuses to start (AgentError) when it cannot do its job; the message is a sentence for the operator.
 */
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type { Config } from "./config/config.ts";
import { lastChangeMs } from "./config/files.ts";
import { Delivery } from "./delivery/delivery.ts";
import { History, readLastRun } from "./delivery/history.ts";
import { Repolicy } from "./delivery/repolicy.ts";
import { applyVerb } from "./delivery/verbs.ts";
import { ListenError, type ListenTarget } from "./intake/bind.ts";
import { type Listener, startListener } from "./intake/listener.ts";
import { Journal } from "./journal/journal.ts";
import { createEvents, type Events } from "./observe/events.ts";
import type { Log } from "./observe/log.ts";
import type { SpoolEntry, StoredEntry } from "./spool/entry.ts";
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

export interface Agent {
  /** Where it listens, with the ports the system chose. */
  readonly addresses: readonly AddressInfo[];
  /** Finishes what is in hand within `stopTimeout`, then ends everything. A second call joins the first. */
  stop(): Promise<void>;
}

export interface AgentOptions {
  readonly config: Config;
  readonly log: Log;
  /** Where to listen: the config's addresses, or sockets that were handed over. */
  readonly targets: readonly ListenTarget[];
  /** Path of the socket where the commands reach it. */
  readonly controlSocket: string;
  readonly version: string;
}

export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { config, log, version } = options;
  const closers: (() => Promise<void>)[] = [];
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  const startedAtMs = performance.now();
  try {
    closers.push(await lock(config.stateDir));
    const { id: instance, renewed } = await readInstance(config.stateDir).catch(unusable(config.stateDir));
    const journalFolder = join(config.stateDir, "journal");
    const startMs = Date.now();
    const lastRun = await readLastRun(journalFolder, startMs);
    const journal = await Journal.open({
      folder: journalFolder,
      historyMs: config.keep.historyMs,
      now: Date.now,
    }).catch(unusable(journalFolder));
    closers.push(() => journal[Symbol.asyncDispose]());
    const events = createEvents({ log, journal, now: Date.now });
    if (renewed !== undefined) events.report("trouble", { part: "instance", reason: renewed }, "warn");
    const ledger = ledgerOf(config, { journalFolder, instance, events });
    closers.push(() => ledger[Symbol.asyncDispose]());
    const spool = await openSpool(config).catch(unusable(join(config.stateDir, "spool")));
    closers.push(() => spool[Symbol.asyncDispose]());

    const delivery = new Delivery({
      config,
      events,
      spool,
      ledger,
      history: new History({ journalFolder, events, lastRun }),
      instance,
      changedMs: (account) => lastChangeMs(config, account),
    });
    closers.push(() => delivery.close());
    const listener = await listen(options, { events, spool, delivery });
    closers.push(() => listener.stop(0));
    const repolicy = new Repolicy({
      ...delivery.verbs,
      spool,
      settings: () => config,
      settingsSinceMs: () => startMs,
      workedMs: (entry) => delivery.workedMs(entry),
      elapsed: () => performance.now(),
    });
    // Loaded when mail is taken already: it is a good part of the time to start.
    const { startControl } = await import("./control/server.ts");
    const control = await startControl(options.controlSocket, {
      source: sourceOf(spool, delivery),
      apply: (verb, id, reason) => applyVerb(delivery.verbs, verb, id, reason),
      repolicy: (asked) => repolicy.page(asked),
      health: () => delivery.answers.health,
    });
    closers.push(() => control.close());
    delivery.start();
    ledger.start();

    const tookMs = Math.round(performance.now() - startedAtMs);
    events.report("started", {
      version,
      instance,
      pid: process.pid,
      listen: listener.addresses.map(shown),
      startMs: tookMs,
    });
    let stopping: Promise<void> | undefined;
    const stop = async () => {
      events.report("stopping", { within: `${config.stopTimeoutMs / 1000} s` });
      const deadline = AbortSignal.timeout(config.stopTimeoutMs);
      await Promise.all([listener.stop(config.stopTimeoutMs), delivery.stop(deadline)]);
      await closeAll();
      events.report("stopped", {});
    };
    return {
      addresses: listener.addresses,
      stop: () => {
        stopping ??= stop();
        return stopping;
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** The lock on the state folder, or a sentence that names who has it. */
async function lock(stateDir: string): Promise<() => Promise<void>> {
  const held = await lockStateDir(stateDir).catch(unusable(stateDir));
  if (held.ok) return held.release;
  const remedy = "stop it first, or give this one a stateDir of its own";
  throw new AgentError(
    "locked",
    `Cannot start as another agent (process ${held.holder}) works in ${stateDir}: ${remedy}`,
  );
}

/** What the queue commands see: the spool, and what delivery knows of it. */
function sourceOf(spool: Spool, { answers }: Delivery) {
  return {
    spool,
    now: Date.now,
    active: (id: string) => answers.inHand(id),
    outlook: (account: string) => answers.outlook(account),
    pairStopped: (entry: StoredEntry) => answers.pairStopped(entry),
  };
}

function unusable(stateDir: string): (error: Error) => never {
  return (error) => {
    throw new AgentError("unavailable", `Cannot use stateDir ${stateDir}: ${error.message}`);
  };
}

function ledgerOf(
  { stateDir, keep, hostname }: Config,
  parts: { journalFolder: string; instance: string; events: Events },
): Ledger {
  const { journalFolder, instance, events } = parts;
  return new Ledger({
    folder: join(stateDir, "usage"),
    journalFolder,
    keepMs: keep.usageMs,
    origin: { host: hostname, instance },
    now: Date.now,
    onTrouble: (reason) => events.report("trouble", { part: "usage", reason }, "error"),
  });
}

function openSpool(config: Config): Promise<Spool> {
  return Spool.open({
    folder: join(config.stateDir, "spool"),
    maxMessages: config.limits.queue,
    freeDiskBytes: config.limits.freeDiskBytes,
    now: Date.now,
    random: Math.random,
  });
}

/** Where the halves meet: a message in custody gets its job, and nobody waits for that. */
async function listen(
  { config, targets }: AgentOptions,
  parts: { events: Events; spool: Spool; delivery: Delivery },
): Promise<Listener> {
  const { events, spool, delivery } = parts;
  const custody = {
    newId: spool.newId,
    room: () => spool.room(),
    accept: async (entry: SpoolEntry, wire: readonly Buffer[]) => {
      await spool.accept({ ...entry, workedMs: delivery.workedMs(entry) }, wire);
      delivery.enqueue(entry);
    },
  };
  const clocks = { wallMs: Date.now, monotonicMs: () => performance.now() };
  const ports = { settings: () => config, custody, events, clocks };
  try {
    const listener = await startListener({ ports, targets });
    for (const warning of listener.warnings) events.report("listening", { warning }, "warn");
    return listener;
  } catch (error) {
    throw error instanceof ListenError ? new AgentError("unavailable", error.message) : error;
  }
}

function shown({ address, port }: AddressInfo): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
