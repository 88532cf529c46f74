/**
 * `sluice trace`: which messages a term is about, and the life of each, from the journal.
 *
 *     newest day ─▶ lines with the term ─▶ their messages, as many as were asked for
 *                     ─▶ from the day they began ─▶ all their facts, and the notices about them
 *                     ─▶ those whose end the journal does not tell: how they stand in the queue
 *
 * Promises: works with and without the agent; of more messages than were asked for, those with the latest news; the one
 * that began last comes first; reads what the index of the journal does not rule out, and no further than it must. A refusal without a queue id stands alone.
 */
import { journalDays } from "../journal/days.ts";
import type { JournalLine } from "../journal/journal.ts";
import { type Found, searchDay } from "../journal/search.ts";
import { termOf } from "../journal/terms.ts";
import { isQueueId, timeOfQueueId } from "../spool/queue-id.ts";
import { type Life, lifeOf } from "./life.ts";
import type { QueueRow } from "./queue-view.ts";

/** The most messages of one answer. */
export const MOST_MESSAGES = 100;

const DAY_MS = 86_400_000;

export interface TraceQuestion {
  /** Queue id, Message-ID, address, or `@domain` for everybody there; in any letter case, with or without `<>`. */
  readonly term: string;
  /** Only messages with news in that time, milliseconds since 1970. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** At most so many messages. */
  readonly limit: number;
}

export interface TraceParts {
  /** The journal's folder. */
  readonly folder: string;
  /** How a message stands in the queue; undefined when it is not there. */
  readonly queued: (id: string) => Promise<QueueRow | undefined>;
}

export interface TraceAnswer {
  readonly messages: readonly Life[];
  /** The limit cut off older ones. */
  readonly more: boolean;
  /** The first day that the journal remembers, YYYY-MM-DD; null when it is empty. */
  readonly from: string | null;
}

/** Rejects with the signal's reason when it is aborted. */
export async function trace(
  { folder, queued }: TraceParts,
  question: TraceQuestion,
  signal?: AbortSignal,
): Promise<TraceAnswer> {
  const days = await journalDays(folder);
  const at = { folder, days, ...(signal ? { signal } : {}) };
  const { found, more } = await newestMessages(at, question);
  const ids = new Set(found.flatMap(({ line }) => idOf(line) ?? []));
  const facts = await factsOf(at, ids);
  const messages: Life[] = [];
  for (const { line } of found) {
    const id = idOf(line);
    const life =
      id === undefined
        ? lifeOf([line])
        : lifeOf(facts.filter(is(id)).map(lineOf), facts.filter(isAbout(id)).map(lineOf));
    messages.push(await asItStands(life, queued));
  }
  messages.sort((a, b) => (begin(a) < begin(b) ? 1 : begin(a) > begin(b) ? -1 : 0));
  return { messages, more, from: days[0] ?? null };
}

interface Journal {
  readonly folder: string;
  /** Rising. */
  readonly days: readonly string[];
  readonly signal?: AbortSignal;
}

/** The last line with the term of each message, newest first. */
async function newestMessages(
  { folder, days, signal }: Journal,
  { term, sinceMs = Number.NEGATIVE_INFINITY, untilMs = Number.POSITIVE_INFINITY, limit }: TraceQuestion,
): Promise<{ found: readonly Found[]; more: boolean }> {
  const found: Found[] = [];
  const seen = new Set<string>();
  const terms = new Set([termOf(term)]);
  const inRange = days.filter((day) => mayHoldTime(day, sinceMs, untilMs));
  for (const day of inRange.reverse()) {
    for await (const one of searchDay(folder, day, terms, signal)) {
      const atMs = Date.parse(one.line.at);
      const id = idOf(one.line);
      if (!(atMs >= sinceMs && atMs <= untilMs) || (id !== undefined && seen.has(id))) continue;
      if (found.length === limit) return { found, more: true };
      if (id !== undefined) seen.add(id);
      found.push(one);
    }
  }
  return { found, more: false };
}

/** A line at midnight may stand in the next day's file. */
function mayHoldTime(day: string, sinceMs: number, untilMs: number): boolean {
  const dayMs = Date.parse(day);
  return dayMs + DAY_MS > sinceMs && dayMs - DAY_MS <= untilMs;
}

/** All facts of these messages and the notices about them, in the order they were written. */
async function factsOf(journal: Journal, ids: ReadonlySet<string>): Promise<readonly Found[]> {
  const { folder, days, signal } = journal;
  const facts: Found[] = [];
  const begun = new Set<string>();
  const over = new Set<string>();
  for (const day of daysFromBegin(days, ids)) {
    if ([...ids].every((id) => begun.has(id) && over.has(id))) break;
    for await (const one of searchDay(folder, day, ids, signal)) {
      const id = idOf(one.line) ?? "";
      const { event } = one.line;
      facts.push(one);
      if (event === "accepted" || event === "rejected") begun.add(id);
      if (event === "finished" || event === "deleted" || event === "rejected") over.add(id);
    }
  }
  return facts.sort((a, b) => (a.day === b.day ? a.place - b.place : a.day < b.day ? -1 : 1));
}

/**
 * The days in the order of asking: on from the day that the oldest id was made; then back from there, for an id may be
 * ahead of the clock, which was set back.
 */
function daysFromBegin(days: readonly string[], ids: ReadonlySet<string>): string[] {
  const madeMs = [...ids].map((id) => (isQueueId(id) ? timeOfQueueId(id) : 0));
  const first = madeMs.length === 0 ? 0 : Math.min(...madeMs);
  const begin = days.findIndex((day) => mayHoldTime(day, first, Number.POSITIVE_INFINITY));
  const from = begin < 0 ? days.length : begin;
  return [...days.slice(from), ...days.slice(0, from).reverse()];
}

/** With its state in the queue, when the journal does not tell its end. */
async function asItStands(life: Life, queued: TraceParts["queued"]): Promise<Life> {
  if (life.id === null || !isQueueId(life.id) || life.state === "rejected" || life.state === "deleted")
    return life;
  const row = await queued(life.id);
  return row
    ? { ...life, state: row.state, inQueue: true, reason: row.reason, nextAttempt: row.nextAttempt }
    : life;
}

function begin({ facts }: Life): string {
  return facts[0]?.at ?? "";
}

function is(id: string): (one: Found) => boolean {
  return ({ line }) => idOf(line) === id;
}

function isAbout(id: string): (one: Found) => boolean {
  return ({ line }) => "notice" in line && line.notice?.of === id;
}

function lineOf({ line }: Found): JournalLine {
  return line;
}

function idOf(line: JournalLine): string | undefined {
  return typeof line.id === "string" ? line.id : undefined;
}
