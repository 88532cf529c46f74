/**
 * The face of a running agent: what it shows to commands, people, supervisors and monitoring. The control socket first, the
 * status page after it; overview, live events and metrics for both.
 *
 * Promises: loaded when mail is taken already. A page that cannot be had (its port is taken) is a warning, mail goes on.
 * `close` ends everything that was begun here.
 */
import { performance } from "node:perf_hooks";
import type { Config } from "../config/config.ts";
import { Live } from "../control/live.ts";
import { healthNow, type OverviewSource, overviewOf, readingsOf } from "../control/overview-view.ts";
import type { QueueApiParts } from "../control/queue-api.ts";
import { Recent } from "../control/recent.ts";
import type { RepolicyApiParts } from "../control/repolicy-api.ts";
import { type ControlParts, startControl } from "../control/server.ts";
import { Snapshots } from "../control/snapshot.ts";
import { Searches } from "../control/trace-api.ts";
import type { Answers } from "../delivery/answers.ts";
import type { HeardEvents, Told } from "../observe/events.ts";
import { Metrics } from "../observe/metrics.ts";
import type { Ledger } from "../usage/ledger.ts";
import { startWeb, type Web } from "./server.ts";

export interface FaceParts extends Pick<QueueApiParts, "source" | "apply">, RepolicyApiParts {
  /** The one in force. */
  readonly config: () => Config;
  /** What somebody should see to although mail flows. */
  readonly warnings: () => readonly string[];
  readonly version: string;
  readonly controlSocket: string;
  readonly journalFolder: string;
  /** When this run began, before the first line of the journal; milliseconds since 1970. */
  readonly startedMs: number;
  readonly events: HeardEvents;
  /** What was told before this was loaded. */
  readonly early: readonly Told[];
  readonly answers: Answers;
  readonly ledger: Pick<Ledger, "days">;
  readonly spool: { readonly count: number; readonly freeBytes: number };
  /** Sessions at the listener. */
  readonly connections: () => number;
  /** Whether mail is accepted. */
  readonly accepts: () => boolean;
}

export interface Face {
  readonly metrics: Metrics;
  /** Where the page is; undefined without one. */
  readonly address: string | undefined;
  close(): Promise<void>;
}

export async function startFace(parts: FaceParts): Promise<Face> {
  const { events } = parts;
  const metrics = new Metrics({ version: parts.version, node: process.version });
  const recent = new Recent(Date.now);
  const hear = (told: Told) => {
    metrics.hear(told);
    recent.hear(told);
  };
  parts.early.forEach(hear);
  const deaf = events.hear(hear);
  const source = overviewSource(parts, recent);
  const overview = () => overviewOf(source);
  const live = new Live({ overview, hear: (listener) => events.hear(listener) });
  let web: Web | undefined;
  const shared: ControlParts = {
    source: parts.source,
    figures: parts.answers,
    repolicy: parts.repolicy,
    journalFolder: parts.journalFolder,
    searches: new Searches(),
    apply: parts.apply,
    health: () => healthNow(source),
    overview,
    accepts: parts.accepts,
    metrics: async (form) => metrics.text(await readingsOf(source), form),
    live,
    statusUrl: () => (web ? { url: web.statusUrl() } : { error: noPage(parts.config()) }),
  };
  const control = await startControl(parts.controlSocket, shared);
  web = await openPage(parts, shared);
  // What the last run told is added when everything else runs; without it the page shows less.
  void recent.readJournal(parts.journalFolder, parts.startedMs).catch(() => {});
  return {
    metrics,
    address: web?.address,
    async close() {
      deaf();
      live.end();
      await web?.close();
      await control.close();
    },
  };
}

function overviewSource(
  { config, answers, spool, ledger, ...parts }: FaceParts,
  recent: Recent,
): OverviewSource {
  return {
    version: parts.version,
    get hostname() {
      return config().hostname;
    },
    startedMs: parts.startedMs,
    get accounts() {
      return config().accounts;
    },
    now: Date.now,
    health: () => ({ ...answers.health, warnings: parts.warnings() }),
    snapshots: new Snapshots(answers, () => performance.now()),
    recent,
    year: {
      totals: (account, year) => answers.yearTotals(account, year),
      days: (account, fromMs, toMs) => ledger.days(account, fromMs, toMs),
    },
    standing: (account) => {
      const { sessions, breaker } = answers.standing(account);
      return { sessions, breaker };
    },
    openBreakers: () => answers.openBreakers(),
    custody: () => spool.count,
    connections: parts.connections,
    freeDiskBytes: () => spool.freeBytes,
    redis: () => (answers.redisAway ? "down" : "up"),
  };
}

/** Mail matters more than its page. */
async function openPage({ config, events }: FaceParts, shared: ControlParts): Promise<Web | undefined> {
  const { http } = config();
  if (http === "off") return undefined;
  try {
    return await startWeb({ ...shared, listen: http, hostname: () => config().hostname });
  } catch (error) {
    const reason = `no status page: ${(error as Error).message}; end who has that port, or change http.listen, and restart`;
    events.report("trouble", { part: "http", reason }, "warn");
    return undefined;
  }
}

function noPage({ http }: Config): string {
  return http === "off"
    ? "there is no status page, as http is off in the config"
    : `there is no status page, as ${http.host}:${http.port} could not be had when sluice started: see its log`;
}
