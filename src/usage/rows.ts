/**
 * The ledger in rows: one for each hour, day, month or contract year and account, or a part of its mail.
 *
 * Promises: pure. Rows rise by time, then by name; all periods are UTC. A rolling peak is the most in any 60 minutes, to the
 * minute, that ended with mail in the row's period: it may have begun in the period before.
 */

import { type Amount, contractYear, type Span } from "../schedule/contract-year.ts";
import { HOUR_MS } from "../schedule/pace.ts";
import type { MinuteRow, UsageDay } from "./day.ts";

export const PERIODS = ["hour", "day", "month", "year"] as const;
export type Period = (typeof PERIODS)[number];
export const PARTS = ["host", "sender", "user", "class"] as const;
export type Part = (typeof PARTS)[number];

const MINUTE_MS = 60_000;

/** Names that the row is not split by are null; so is a local user that is not known. */
export interface UsageRow extends Amount {
  /** ISO 8601; `to` is not included. */
  readonly from: string;
  readonly to: string;
  readonly account: string;
  readonly host: string | null;
  readonly sender: string | null;
  readonly user: string | null;
  readonly class: string | null;
  /** The most messages in one clock hour. */
  readonly peakClockHour: number;
  /** The most messages in any 60 minutes, and when they ended; null in rows that are a part of an account. */
  readonly peakHour: number | null;
  readonly peakHourEnded: string | null;
  readonly peakHourRecipients: number | null;
  readonly peakHourBytes: number | null;
}

export interface RowsWanted {
  readonly by: Period;
  readonly part?: Part;
  readonly account?: string;
  /** The first day of an account's contract year, MM-DD. */
  readonly starts: (account: string) => string;
}

interface Cell {
  readonly span: Span;
  readonly account: string;
  readonly name: string | null;
  messages: number;
  recipients: number;
  bytes: number;
  readonly clockHours: Map<number, number>;
}

/** All rows in which something was sent. */
export function usageRows(days: readonly UsageDay[], wanted: RowsWanted): UsageRow[] {
  const cells = cellsOf(days, wanted);
  const peaks = wanted.part === undefined ? peaksOf(days, wanted) : new Map<string, Peak>();
  const rows = [...cells].map(([key, cell]) => rowOf(cell, wanted.part, peaks.get(key)));
  const order = ({ from, account, ...row }: UsageRow) =>
    [from, account, wanted.part === undefined ? "" : row[wanted.part]].join("\n");
  return rows.sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

function rowOf(
  { span, account, name, clockHours, ...sums }: Cell,
  part: Part | undefined,
  peak?: Peak,
): UsageRow {
  const { messages, recipients, bytes } = sums;
  const parts = { host: null, sender: null, user: null, class: null, ...(part && { [part]: name }) };
  return {
    from: new Date(span.fromMs).toISOString(),
    to: new Date(span.toMs).toISOString(),
    account,
    ...parts,
    messages,
    recipients,
    bytes,
    peakClockHour: Math.max(...clockHours.values()),
    peakHour: peak?.messages ?? null,
    peakHourEnded: peak === undefined ? null : new Date((peak.minute + 1) * MINUTE_MS).toISOString(),
    peakHourRecipients: peak?.recipients ?? null,
    peakHourBytes: peak?.bytes ?? null,
  };
}

function cellsOf(days: readonly UsageDay[], wanted: RowsWanted): Map<string, Cell> {
  const cells = new Map<string, Cell>();
  for (const { day, origin, hours } of days) {
    const startMs = Date.parse(day);
    for (const row of hours) {
      if (wanted.account !== undefined && row.account !== wanted.account) continue;
      const atMs = startMs + row.hour * HOUR_MS;
      const name = wanted.part === undefined ? null : { ...row, host: origin.host }[wanted.part];
      const key = keyOf(row.account, wanted, atMs, name);
      const cell: Cell = cells.get(key) ?? {
        span: periodOf(wanted.by, atMs, wanted.starts(row.account)),
        account: row.account,
        name,
        messages: 0,
        recipients: 0,
        bytes: 0,
        clockHours: new Map(),
      };
      cells.set(key, cell);
      cell.messages += row.messages;
      cell.recipients += row.recipients;
      cell.bytes += row.bytes;
      cell.clockHours.set(atMs, (cell.clockHours.get(atMs) ?? 0) + row.messages);
    }
  }
  return cells;
}

interface Peak extends Amount {
  /** The last minute of the 60 with the most messages. */
  readonly minute: number;
}

function peaksOf(days: readonly UsageDay[], wanted: RowsWanted): Map<string, Peak> {
  const peaks = new Map<string, Peak>();
  for (const account of new Set(days.flatMap(({ accounts }) => accounts))) {
    for (const window of rollingHours(sentMinutes(days, account))) {
      const key = keyOf(account, wanted, window.minute * MINUTE_MS, null);
      const known = peaks.get(key);
      peaks.set(key, known === undefined ? window : larger(known, window));
    }
  }
  return peaks;
}

/** What an account sent in each minute, over all hosts of these days, rising. */
export function sentMinutes(days: readonly UsageDay[], account: string): MinuteRow[] {
  const minutes = new Map<number, MinuteRow>();
  for (const day of days) {
    for (const row of day.minutesOf(account)) {
      if (row.messages === 0) continue;
      const { messages = 0, recipients = 0, bytes = 0, accepted = 0 } = minutes.get(row.minute) ?? {};
      minutes.set(row.minute, {
        minute: row.minute,
        messages: messages + row.messages,
        recipients: recipients + row.recipients,
        bytes: bytes + row.bytes,
        accepted: accepted + row.accepted,
      });
    }
  }
  return [...minutes.values()].sort((a, b) => a.minute - b.minute);
}

/** For each minute with mail: what was sent in the 60 minutes that end with it. */
function* rollingHours(rows: readonly MinuteRow[]): Generator<Peak> {
  const now = { messages: 0, recipients: 0, bytes: 0 };
  let first = 0;
  const add = (row: MinuteRow, times: 1 | -1) => {
    now.messages += times * row.messages;
    now.recipients += times * row.recipients;
    now.bytes += times * row.bytes;
  };
  for (const row of rows) {
    add(row, 1);
    for (; (rows[first] as MinuteRow).minute <= row.minute - 60; first++) add(rows[first] as MinuteRow, -1);
    yield { minute: row.minute, ...now };
  }
}

function larger(known: Peak, other: Peak): Peak {
  return {
    messages: Math.max(known.messages, other.messages),
    minute: other.messages > known.messages ? other.minute : known.minute,
    recipients: Math.max(known.recipients, other.recipients),
    bytes: Math.max(known.bytes, other.bytes),
  };
}

function keyOf(account: string, { by, starts }: RowsWanted, atMs: number, name: string | null): string {
  return JSON.stringify([periodOf(by, atMs, starts(account)).fromMs, account, name]);
}

/** The period in which `atMs` is. */
export function periodOf(by: Period, atMs: number, starts: string): Span {
  const at = new Date(atMs);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  switch (by) {
    case "hour": {
      const fromMs = Math.floor(atMs / HOUR_MS) * HOUR_MS;
      return { fromMs, toMs: fromMs + HOUR_MS };
    }
    case "day":
      return { fromMs: Date.UTC(year, month, day), toMs: Date.UTC(year, month, day + 1) };
    case "month":
      return { fromMs: Date.UTC(year, month), toMs: Date.UTC(year, month + 1) };
    case "year":
      return contractYear(starts, atMs);
  }
}
