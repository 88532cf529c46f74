/**
 * `sluice doctor`: every question of the relay service's troubleshooting list, and our own, answered in one run.
 *
 *     config ─▶ what can be read of it ─┬─ machine: clock, spool ──────────┐
 *                                       ├─ agent ─▶ Redis, listener, queue ├─▶ findings, in order
 *                                       ├─ upstream (upstream.ts)          │
 *                                       └─ SPF ────────────────────────────┘
 *
 * Promises: safe on a live system: no MAIL command, a few connections, nothing written; all questions at once, each with
 * limits of its own, so that it ends within half a minute even where nothing answers; what cannot be told is told so.
 */
import type { ConfigReading } from "../config/load.ts";
import { agentSight, mailFindings } from "./agent.ts";
import { type Finding, inOrder } from "./finding.ts";
import { listenFindings } from "./listen.ts";
import { clockFinding, spoolSight } from "./machine.ts";
import { type Patient, patientOf } from "./patient.ts";
import type { Ports } from "./ports.ts";
import { redisFindings } from "./redis.ts";
import { settingsFindings } from "./settings.ts";
import { spfFindings } from "./spf-lines.ts";
import { upstreamFindings } from "./upstream.ts";

export async function examine(reading: ConfigReading, ports: Ports): Promise<Finding[]> {
  const patient = patientOf(reading);
  const found = await Promise.all([
    settingsFindings(patient),
    ports.synchronised().then((known) => [clockFinding(known, ports.nowMs())]),
    ours(patient, ports),
    upstreamFindings(patient, ports),
    spfFindings(patient, ports),
  ]);
  return inOrder(found.flat());
}

/** The agent, and what hangs on whether it runs. */
async function ours(patient: Patient, ports: Ports): Promise<Finding[]> {
  const [spool, agent] = await Promise.all([spoolSight(patient), agentSight(patient, ports)]);
  const found = await Promise.all([
    redisFindings(patient, agent.state !== "not running"),
    listenFindings(patient, agent),
    mailFindings(patient, agent, { spool, ports }),
  ]);
  return [spool.finding, agent.finding, ...found.flat()];
}
