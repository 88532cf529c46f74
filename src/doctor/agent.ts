/**
 * Lines about the running agent: is it there, does mail flow, what waits, how much of the hour's budget is used.
 *
 * Promises: an agent that does not run, one that does not answer and one that this user may not ask are three things; a
 * breaker that is open is told with its reason. Without an agent the spool is counted.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ageText, counted, grouped } from "../observe/figures.ts";
import { about, type Finding } from "./finding.ts";
import { withinLimit } from "./limit.ts";
import type { SpoolSight } from "./machine.ts";
import type { Patient } from "./patient.ts";
import type { AgentAnswer, Ports } from "./ports.ts";

const LIMIT_MS = 5000;
const START = "start it: systemctl start sluice, or sluice run";
const DENIED = "run this as root or as a member of the group sluice";

export interface AgentSight {
  readonly finding: Finding;
  readonly state: "runs" | "not running" | "unknown";
  /** Its process, where this user may know it. */
  readonly processId?: number;
  /** What it says of itself: `GET /api/v1/health`. */
  readonly health?: unknown;
}

export async function agentSight(
  { stateDir }: Patient,
  { askAgent }: Pick<Ports, "askAgent">,
): Promise<AgentSight> {
  const line = about("agent", stateDir ?? "stateDir");
  if (stateDir === undefined) {
    const found = "the config does not say where its state is";
    return { finding: line.unknown(found, "mend stateDir in the config first"), state: "unknown" };
  }
  const answer = await ask("/api/v1/health", askAgent);
  if (answer === undefined) {
    const remedy = "look at the agent's log, and restart it: systemctl restart sluice";
    return {
      finding: line.failed(`it does not answer within ${LIMIT_MS / 1000} s`, remedy),
      state: "unknown",
    };
  }
  if (answer.agent === "not running")
    return {
      finding: line.failed("it is not running: no mail is taken or delivered", START),
      state: "not running",
    };
  if (answer.agent === "not allowed")
    return { finding: line.unknown("this user may not ask it", DENIED), state: "unknown" };
  const holder = Number(await readFile(join(stateDir, "lock"), "utf8").catch(() => ""));
  const processId = holder > 0 ? { processId: holder } : {};
  const found = holder > 0 ? `runs as process ${holder}` : "runs";
  return { finding: line.ok(found), state: "runs", ...processId, health: answer.body };
}

/** What waits and why, from the agent that runs; else from the spool. */
export async function mailFindings(
  patient: Patient,
  sight: AgentSight,
  { spool, ports: { askAgent } }: { readonly spool: SpoolSight; readonly ports: Pick<Ports, "askAgent"> },
): Promise<Finding[]> {
  const queue = about("queue", patient.stateDir ?? "stateDir");
  const accounts = patient.accounts.map(({ name }) => name);
  if (sight.state !== "runs") {
    const nobody = sight.state === "unknown" ? "the agent could not be asked" : "the agent is not running";
    const remedy = sight.state === "unknown" ? "see the line on agent" : START;
    const unknown = accounts.map((name) => about("budget", name).unknown(nobody, remedy));
    if (spool.count === undefined) return [queue.unknown(nobody, remedy), ...unknown];
    const found = `${counted(spool.count, "message")} in the spool, bounced ones included`;
    return [spool.count === 0 ? queue.ok(found) : queue.warn(`${found}; ${nobody}`, remedy), ...unknown];
  }
  const [stats, overview] = await Promise.all([
    ask("/api/v1/queue/stats", askAgent),
    ask("/api/v1/overview", askAgent),
  ]);
  const budgets = new Map(
    list(bodyOf(overview), "accounts").map((one) => [text(one, "name"), field(one, "budget")]),
  );
  return [
    ...flowFindings(sight.health),
    queueFinding(queue, bodyOf(stats)),
    ...patient.accounts.map(({ name, perHour }) => budgetFinding(name, perHour, budgets.get(name))),
  ];
}

/** What stops mail, and what is not as it should be although it flows, such as a config that was not taken over. */
function flowFindings(health: unknown): Finding[] {
  const line = about("flow", "mail");
  const stopped = list(health, "reasons").map((one) => {
    const probe = text(one, "nextProbe");
    const next = probe === "" ? "" : `; tried again by itself at ${probe}`;
    return line.failed(
      `${text(one, "reason")}${next}`,
      "mend that; sluice queue retry --all then tries at once",
    );
  });
  const odd = list(health, "warnings").map((one) => line.warn(String(one), "mend that while mail flows"));
  if (stopped.length + odd.length > 0) return [...stopped, ...odd];
  if (field(health, "ok") === true) return [line.ok("flows")];
  return [line.unknown("the agent does not say whether mail flows", "see its log")];
}

function queueFinding(line: ReturnType<typeof about>, stats: unknown): Finding {
  const states = Object.entries(Object(field(stats, "states"))).map(
    ([name, count]) => [name, Number(count)] as const,
  );
  if (states.length === 0) return line.unknown("the agent could not count it", "see its log");
  const some = states.filter(([, count]) => count > 0);
  if (some.length === 0) return line.ok("empty");
  const oldest = field(stats, "oldest");
  const age = typeof oldest === "number" ? `; the oldest waits for ${ageText(oldest)}` : "";
  const found = `${some.map(([name, count]) => `${grouped(count)} ${name}`).join(", ")}${age}`;
  const held = some.some(([name]) => name === "held");
  return held ? line.warn(found, "see why with: sluice queue list --state held") : line.ok(found);
}

function budgetFinding(account: string, perHour: number | undefined, budget: unknown): Finding {
  const line = about("budget", account);
  const used = field(budget, "used");
  if (typeof used === "number") {
    const found = `${used} of ${perHour ?? "?"} messages used in the last 60 minutes`;
    if (perHour === undefined || used < perHour) return line.ok(found);
    return line.warn(`${found}: more mail waits`, `raise pace.perHour of the account ${account}, or wait`);
  }
  if (perHour === undefined) return line.ok("unlimited");
  if (budget === null)
    return line.unknown("how much is used stands in Redis, which is away", "see the line on redis");
  return line.unknown("the agent does not tell how much is used", "look for the event paced in its log");
}

/** Undefined when no answer came, or none that can be read. */
function ask(path: string, askAgent: Ports["askAgent"]): Promise<AgentAnswer | undefined> {
  return withinLimit(
    askAgent(path).catch(() => undefined),
    LIMIT_MS,
    () => undefined,
  );
}

function bodyOf(answer: AgentAnswer | undefined): unknown {
  return answer?.agent === "answered" && answer.status === 200 ? answer.body : undefined;
}

/** An agent of another version may run: nothing is taken for granted. */
function field(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

function list(value: unknown, key: string): readonly unknown[] {
  const found = field(value, key);
  return Array.isArray(found) ? found : [];
}

function text(value: unknown, key: string): string {
  const found = field(value, key);
  return typeof found === "string" ? found : "";
}
