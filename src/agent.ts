/**
 * The agent: the one file that knows both halves. Read top to bottom, it is the architecture.
 *
 *     lock ─▶ journal, ledger, spool ─▶ listen: mail is taken from here on, whatever Redis does
 *          ─▶ control socket, status page ─▶ delivery: Redis, queues, recovery, feeders
 *
 * `stop` goes the other way: no new mail, what is in hand is finished, sessions end, Redis last.
 * Promises: two agents never share a state folder; nothing that was started outlives `stop`, or a failed start.
 * Refuses to start (AgentError) when it cannot do its job; the message is a sentence for the operator.
 */
import type { AddressInfo } from "node:net";
import { performance } from "node:perf_hooks";
import type { Config } from "./config/config.ts";
import { lastChangeMs } from "./config/files.ts";
import { Delivery } from "./delivery/delivery.ts";
import { History } from "./delivery/history.ts";
import type { InLine } from "./delivery/outlook.ts";
import { Repolicy } from "./delivery/repolicy.ts";
import { statusLine } from "./delivery/status-line.ts";
import { applyVerb } from "./delivery/verbs.ts";
import { ListenError, type ListenTarget } from "./intake/bind.ts";
import { type Listener, startListener } from "./intake/listener.ts";
import type { Events } from "./observe/events.ts";
import type { Log } from "./observe/log.ts";
import type { Supervision } from "./observe/service-manager.ts";
import { supervised } from "./observe/supervised.ts";
import { ConfigInForce, type Loaded } from "./reload.ts";
import type { SpoolEntry, StoredEntry } from "./spool/entry.ts";
import type { Spool } from "./spool/spool.ts";
import { AgentError, openStateFolder, type StateFolder } from "./state-folder.ts";
import type { Face } from "./web/face.ts";

export interface Agent {
  /** Where it listens, with the ports the system chose. */
  readonly addresses: readonly AddressInfo[];
  /** Reads the config again; what is wrong with it is told, and the one before stays. Never rejects. */
  reload(): Promise<void>;
  /** Finishes what is in hand within `stopTimeout`, then ends everything. A second call joins the first. */
  stop(): Promise<void>;
}

export interface AgentOptions {
  /** To begin with. */
  readonly config: Config;
  /** Reads the config file again. */
  readonly load: () => Loaded;
  readonly log: Log;
  /** Where to listen: the config's addresses, or sockets that were handed over. */
  readonly targets: readonly ListenTarget[];
  /** Path of the socket where the commands reach it. */
  readonly controlSocket: string;
  readonly version: string;
  /** The service manager that wants to hear of it, if one does. */
  readonly supervision?: Supervision | undefined;
}

export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { config, log, version } = options;
  const closers: (() => Promise<void>)[] = [];
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  const startedAtMs = performance.now();
  try {
    const state = await openStateFolder(config, log, closers);
    const { instance, journalFolder, startedMs, events, ledger, indexer, spool } = state;
    let face: Face | undefined;
    const inForce = new ConfigInForce({
      config,
      load: options.load,
      messagesOf: () => spool.byAccount(),
      apply: (next) => goOnBy(next, { ...state, delivery }),
      onOutcome: (outcome) => face?.metrics.setReload(outcome),
      events,
      now: Date.now,
    });
    const delivery = new Delivery({
      config,
      events,
      spool,
      ledger,
      history: new History({ journalFolder, events, lastRun: state.lastRun }),
      instance,
      changedMs: (account) => lastChangeMs(inForce.current, account),
    });
    closers.push(() => delivery.close());
    const onReplied = (waitedMs: number) => face?.metrics.replied(waitedMs);
    const listener = await listen(options.targets, { inForce, events, spool, delivery, onReplied });
    closers.push(() => listener.stop(0));
    let stopping: Promise<void> | undefined;
    const repolicy = new Repolicy({
      ...delivery.verbs,
      spool,
      settings: () => inForce.current,
      settingsSinceMs: () => inForce.sinceMs,
      workedMs: (entry) => delivery.workedMs(entry),
      elapsed: () => performance.now(),
    });
    // Loaded when mail is taken already: it is a good part of the time to start.
    const { startFace } = await import("./web/face.ts");
    state.heard();
    face = await startFace({
      ...options,
      config: () => inForce.current,
      warnings: () => inForce.warnings,
      startedMs,
      events,
      early: state.early,
      answers: delivery.answers,
      ledger,
      spool,
      source: sourceOf(spool, delivery),
      journalFolder,
      apply: (verb, id, reason) => applyVerb(delivery.verbs, verb, id, reason),
      connections: () => listener.sessions,
      accepts: () => stopping === undefined,
      repolicy: (asked) => repolicy.page(asked),
    });
    closers.push(face.close);
    delivery.start();
    ledger.start();
    indexer.start();
    const service = await supervised(options.supervision, {
      status: () => statusOf(spool, delivery, inForce),
      tryWrite: () => spool.tryWrite(),
      events,
    });
    closers.push(async () => service[Symbol.dispose]());
    service.ready();

    events.report("started", {
      version,
      instance,
      pid: process.pid,
      listen: listener.addresses.map(shown),
      ...(face.address === undefined ? {} : { http: face.address }),
      startMs: Math.round(performance.now() - startedAtMs),
    });
    const stop = async () => {
      const { stopTimeoutMs } = inForce.current;
      service.stopping(stopTimeoutMs);
      events.report("stopping", { within: `${stopTimeoutMs / 1000} s` });
      const deadline = AbortSignal.timeout(stopTimeoutMs);
      await Promise.all([listener.stop(stopTimeoutMs), delivery.stop(deadline)]);
      await closeAll();
      events.report("stopped", {});
    };
    return {
      addresses: listener.addresses,
      reload: () => service.reloading(() => inForce.reload()),
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

/** What the queue commands see: the spool, and what delivery knows of it. */
function sourceOf(spool: Spool, { answers }: Delivery) {
  return {
    spool,
    now: Date.now,
    active: (id: string) => answers.inHand(id),
    outlook: (account: string, messages: readonly InLine[]) => answers.outlook(account, messages),
    pairStopped: (entry: StoredEntry) => answers.pairStopped(entry),
  };
}

function statusOf(spool: Spool, { answers }: Delivery, { warnings }: ConfigInForce): string {
  const { reasons } = answers.health;
  return statusLine({ custody: spool.count, reasons, warnings: warnings.length });
}

/** Everybody goes on by another config. Who listens asks for it with each message. */
function goOnBy(
  config: Config,
  parts: Pick<StateFolder, "useLog" | "journal" | "ledger" | "spool"> & { delivery: Delivery },
): void {
  const { limits, keep, log } = config;
  parts.useLog(log);
  parts.journal.keep(keep.historyMs);
  parts.ledger.keep(keep.usageMs);
  parts.spool.use({ maxMessages: limits.queue, freeDiskBytes: limits.freeDiskBytes });
  parts.delivery.use(config);
}

/** Where the halves meet: a message in custody gets its job, and nobody waits for that. */
async function listen(
  targets: readonly ListenTarget[],
  parts: {
    inForce: ConfigInForce;
    events: Events;
    spool: Spool;
    delivery: Delivery;
    onReplied: (waitedMs: number) => void;
  },
): Promise<Listener> {
  const { inForce, events, spool, delivery, onReplied } = parts;
  const custody = {
    newId: spool.newId,
    room: () => spool.room(),
    accept: async (entry: SpoolEntry, wire: readonly Buffer[]) => {
      await spool.accept({ ...entry, workedMs: delivery.workedMs(entry) }, wire);
      delivery.enqueue(entry);
    },
  };
  const clocks = { wallMs: Date.now, monotonicMs: () => performance.now() };
  const ports = { settings: () => inForce.current, custody, events, clocks, onReplied };
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
