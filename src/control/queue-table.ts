/**
 * The queue as a table: a line a message, and a last line that sums up, as `mailq` does.
 *
 * Promises: no byte of a stranger reaches the terminal as it came. With a width no line is longer: reasons, recipients
 * and senders are cut, in this order; without one nothing is.
 */
import { visible } from "../mail/reply.ts";
import { ageText, clock, counted, grouped, sizeText, timeOfDay } from "../observe/figures.ts";
import type { Budgets, QueueStats } from "./queue-stats.ts";
import { budgetTexts } from "./queue-text.ts";
import { type QueueRow, SHOWN_STATES } from "./queue-view.ts";

export interface TableOptions {
  /** Columns of the terminal; undefined when it is none. */
  readonly width?: number | undefined;
  readonly nowMs: number;
}

interface Column {
  readonly heading: string;
  readonly cell: (row: QueueRow, options: TableOptions) => string;
}

const DAY_MS = 86_400_000;
const GAP = 2;

const COLUMNS: readonly Column[] = [
  { heading: "ID", cell: ({ id }) => id },
  { heading: "STATE", cell: ({ state }) => state },
  { heading: "AGE", cell: ({ age }) => ageText(age) },
  { heading: "SIZE", cell: ({ size }) => bytes(size) },
  { heading: "USER", cell: ({ user }) => visible(user ?? "-") },
  { heading: "SENDER", cell: ({ sender }) => visible(sender) },
  { heading: "RECIPIENTS", cell: ({ recipients }) => visible(people(recipients)) },
  { heading: "NEXT", cell: ({ nextAttempt }, options) => next(nextAttempt, options) },
  { heading: "REASON", cell: ({ reason }) => visible(reason ?? "") },
];

/** How narrow a column may get, in the order in which they give way; 0 takes it out. */
const GIVE_WAY: readonly (readonly [heading: string, least: number])[] = [
  ["REASON", 12],
  ["RECIPIENTS", 12],
  ["SENDER", 12],
  ["USER", 6],
  ["REASON", 0],
  ["NEXT", 0],
];

/** The lines of the table, headings first; none without rows. The user stands there when some row has one. */
export function queueTable(rows: readonly QueueRow[], options: TableOptions): string[] {
  if (rows.length === 0) return [];
  const users = rows.some(({ user }) => user !== null);
  const columns = COLUMNS.filter(({ heading }) => users || heading !== "USER");
  const cells = [
    columns.map(({ heading }) => heading),
    ...rows.map((row) => columns.map(({ cell }) => cell(row, options))),
  ];
  const natural = columns.map((_, i) => Math.max(...cells.map((line) => (line[i] as string).length)));
  const widths = fitted(columns, natural, options.width);
  return cells.map((line) => {
    const text = line
      .flatMap((cell, i) =>
        widths[i] === 0 ? [] : [cut(cell, widths[i] as number).padEnd(widths[i] as number)],
      )
      .join(" ".repeat(GAP))
      .trimEnd();
    return options.width === undefined ? text : cut(text, options.width);
  });
}

function fitted(
  columns: readonly Column[],
  natural: readonly number[],
  width: number | undefined,
): readonly number[] {
  const widths = [...natural];
  if (width === undefined) return widths;
  for (const [heading, least] of GIVE_WAY) {
    const shown = widths.filter((one) => one > 0);
    const over = shown.reduce((sum, one) => sum + one + GAP, -GAP) - width;
    const i = columns.findIndex((column) => column.heading === heading);
    const now = widths[i];
    if (over <= 0 || now === undefined) continue;
    widths[i] = Math.min(now, Math.max(least, now - over));
  }
  return widths;
}

/** What the last line sums up. */
export interface Listed {
  readonly rows: readonly QueueRow[];
  /** The limit cut them off. */
  readonly more: boolean;
  readonly filtered: boolean;
  /** Of the whole queue, where that is known. */
  readonly stats?: (QueueStats & { readonly budget: Budgets }) | undefined;
}

/** `-- 1,234 messages, 5.6 MB in queue; 12 deferred, 3 held; budget portal 412/500 this hour` */
export function lastLine({ rows, more, filtered, stats }: Listed): string {
  if (rows.length === 0) return filtered ? "No message in the queue matches." : "Queue is empty.";
  const size = sizeText(rows.reduce((sum, { size }) => sum + size, 0));
  if (filtered) {
    const rest = more ? " shown, more match: see --limit" : ` match${rows.length === 1 ? "es" : ""}, ${size}`;
    return `-- ${counted(rows.length, "message")}${rest}`;
  }
  const counts = more ? stats?.states : countsOf(rows);
  const all = counts && SHOWN_STATES.reduce((sum, state) => sum + counts[state], 0);
  const shown =
    all === undefined
      ? `${counted(rows.length, "message")} shown, more in queue: see --limit`
      : more
        ? `${grouped(rows.length)} of ${counted(all, "message")} shown: see --limit`
        : `${counted(all, "message")}, ${size} in queue`;
  const states = SHOWN_STATES.filter((state) => state !== "incoming" && counts && counts[state] > 0)
    .map((state) => `${grouped(counts?.[state] ?? 0)} ${state}`)
    .join(", ");
  const budgets = budgetTexts(stats?.budget ?? {}).join(", ");
  return [`-- ${shown}`, states, budgets && `budget ${budgets} this hour`]
    .filter((part) => part !== "")
    .join("; ");
}

function countsOf(rows: readonly QueueRow[]): QueueStats["states"] {
  const count = (state: QueueRow["state"]) => rows.filter((row) => row.state === state).length;
  return Object.fromEntries(SHOWN_STATES.map((state) => [state, count(state)])) as QueueStats["states"];
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

function people(recipients: readonly string[]): string {
  const [first = "", ...others] = recipients;
  return others.length === 0 ? first : `${first} +${others.length}`;
}

/** On a terminal the day is left out when it is near. */
function next(iso: string | null, { width, nowMs }: TableOptions): string {
  if (iso === null) return "-";
  if (width === undefined) return clock(iso);
  const at = new Date(iso);
  return Math.abs(at.getTime() - nowMs) < DAY_MS ? timeOfDay(at) : clock(iso).slice(5, 16);
}

function bytes(count: number): string {
  if (count < 10_000) return String(count);
  return count < 1_000_000 ? `${Math.round(count / 1000)}k` : `${(count / 1_000_000).toFixed(1)}M`;
}
