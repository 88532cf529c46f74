/**
 * How fast a backlog goes out: messages accepted while the upstream refuses connections, then released.
 *
 * Checks, too: every message arrives, and once; no session has more than 100 MAIL.
 */
import type { RelayProcess } from "../support/relay-process.ts";
import { until } from "../support/until.ts";
import { withRelay } from "./bench-relay.ts";
import { submitAll } from "./load.ts";
import { cpuMs } from "./process-cost.ts";
import type { Report } from "./report.ts";

const MESSAGES = 2000;
const SIZE_BYTES = 4096;
const SECTION = `delivering a backlog of ${MESSAGES}, 4 KB a message, TLS, 4 sessions`;
const RUNS = 3;
const LIMIT_MS = 120_000;
const MOST_MAIL = 100;

export async function measureDelivery(report: Report): Promise<void> {
  for (let run = 0; run < RUNS; run++) {
    await withRelay({ fail: ["connect=drop"] }, (relay) => measure(report, relay));
  }
}

async function measure(report: Report, relay: RelayProcess): Promise<void> {
  const load = { port: relay.port, clients: 10, messages: MESSAGES, perSession: 20, sizeBytes: SIZE_BYTES };
  const { subjects } = await submitAll(load);
  const redis = (await relay.redisProcess()) ?? 0;
  const cpuBefore = {
    agent: await cpuMs(relay.processId),
    redis: await cpuMs(redis),
    own: await cpuMs(process.pid),
  };
  relay.setFaults();
  await until("the backlog is delivered", () => relay.events("delivered").length >= MESSAGES, LIMIT_MS);
  const cpuEach = async (id: number, before: number) => ((await cpuMs(id)) - before) / MESSAGES;
  const add = (what: string, value: number, unit: "ms" | "/s" | "") =>
    report.add(SECTION, what, { value, unit });
  add("rate, first to last arrival", arrivalRate(relay), "/s");
  add("CPU of the agent a message", await cpuEach(relay.processId, cpuBefore.agent), "ms");
  add("CPU of Redis a message", await cpuEach(redis, cpuBefore.redis), "ms");
  add("CPU of the simulator a message", await cpuEach(process.pid, cpuBefore.own), "ms");
  const mails = relay.sandbox.sessions.map((session) => session.mails).filter((count) => count > 0);
  add("sessions", mails.length, "");
  add("most MAIL in a session", Math.max(...mails), "");
  check(report, { relay, subjects, mostMail: Math.max(...mails) });
}

/** Arrivals a second; the breaker's wait for the upstream does not count. */
function arrivalRate({ arrived }: RelayProcess): number {
  const times = arrived.map(({ at }) => Date.parse(at));
  return ((times.length - 1) / (Math.max(...times) - Math.min(...times))) * 1000;
}

function check(
  report: Report,
  { relay, subjects, mostMail }: { relay: RelayProcess; subjects: readonly string[]; mostMail: number },
): void {
  const arrived = relay.arrived.map(({ subject }) => subject ?? "");
  const seen = new Set(arrived);
  const lost = subjects.filter((subject) => !seen.has(subject)).length;
  const repeats = arrived.length - seen.size;
  report.add(SECTION, "lost", { value: lost, unit: "" });
  report.add(SECTION, "repeated", { value: repeats, unit: "" });
  if (lost > 0) report.fail(`${lost} of ${subjects.length} messages were lost`);
  if (repeats > 0) report.fail(`${repeats} messages arrived more than once`);
  if (mostMail > MOST_MAIL) report.fail(`a session had ${mostMail} MAIL`);
}
