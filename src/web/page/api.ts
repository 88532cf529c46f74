/**
 * The agent's API as the page asks it: shapes, questions, and the one way to act.
 *
 * Promises: a 401 is `LoggedOut`, any other failure an Error with the agent's sentence.
 * An action carries the header that no other site's form can send.
 */
import type { Overview } from "../../control/overview.ts";
import type { QueueDetail, QueueRow } from "../../control/queue-view.ts";
import type { TraceAnswer } from "../../control/trace.ts";
import type { Verb, VerbResult } from "../../spool/verb.ts";

export type { Life as Story } from "../../control/life.ts";
export type {
  AccountOverview,
  FailureOverview,
  HourOverview,
  Overview,
  YearOverview,
} from "../../control/overview.ts";
export type { QueueDetail, QueueRow, ShownState } from "../../control/queue-view.ts";
export type { TraceAnswer as Stories } from "../../control/trace.ts";
export type { JournalLine as JournalFact } from "../../journal/journal.ts";
export type { Verb } from "../../spool/verb.ts";

export interface QueuePage {
  readonly rows: readonly QueueRow[];
  readonly more: boolean;
  readonly next?: string | null;
}

/** The agent answers this one at once, or it does not answer. */
const OVERVIEW_MS = 10_000;

/** The cookie is not, or no longer, good. */
export class LoggedOut extends Error {}

export async function overview(): Promise<Overview> {
  return body(await ask("/api/v1/overview", { signal: AbortSignal.timeout(OVERVIEW_MS) }));
}

export function queue(filter: Readonly<Record<string, string>>): Promise<QueuePage> {
  return get(`/api/v1/queue?${new URLSearchParams(filter)}`);
}

/** Undefined when it is not in the queue (any more). */
export async function message(id: string): Promise<QueueDetail | undefined> {
  const answer = await ask(`/api/v1/queue/${encodeURIComponent(id)}`);
  return answer.status === 404 ? undefined : body(answer);
}

export function trace(term: string, limit: number): Promise<TraceAnswer> {
  return get(`/api/v1/trace?${new URLSearchParams({ term, limit: String(limit) })}`);
}

/** Does it; the agent's refusal is an Error with its sentence. */
export async function act(verb: Verb, id: string, reason: string): Promise<VerbResult> {
  const answer = await ask(`/api/v1/queue/${encodeURIComponent(id)}/${verb}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-sluice": "1" },
    body: JSON.stringify(reason === "" ? {} : { reason }),
  });
  return (await body<{ result: VerbResult }>(answer)).result;
}

async function get<T>(path: string): Promise<T> {
  return body(await ask(path));
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, { redirect: "error", ...init });
  } catch {
    throw new Error("The agent does not answer.");
  }
  if (answer.status === 401) throw new LoggedOut("Logged out.");
  return answer;
}

async function body<T>(answer: Response): Promise<T> {
  const said = (await answer.json().catch(() => undefined)) as (T & { error?: string }) | undefined;
  if (answer.ok && said !== undefined) return said;
  throw new Error(said?.error ?? `The agent answered ${answer.status}.`);
}
