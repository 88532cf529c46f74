/**
 * What `queue list`, `queue show` and `queue stats` say: read from the spool, the disk owns what is.
 *
 * Promises: works with and without the agent and Redis; the shapes are stable, for programs to rely on; ages in whole
 * seconds, sizes in bytes, times ISO 8601. With an agent, it knows which messages are in a session just now.
 * Reads at most what was asked for: a filter looks at every file, no filter only at those shown.
 */
import { foldLedger } from "../schedule/ledger.ts";
import { SPOOL_VERSION, type SpoolRecord, type StoredEntry } from "../spool/entry.ts";
import type { OpenResult } from "../spool/message.ts";
import { timeOfQueueId } from "../spool/queue-id.ts";
import { dueMs, type MessageState, messageState } from "../spool/state.ts";
import { type MessageDetail, messageDetail } from "./message-detail.ts";

export type ShownState = "incoming" | "active" | "deferred" | "held" | "bounced";
export const SHOWN_STATES: readonly ShownState[] = ["incoming", "active", "deferred", "held", "bounced"];

export interface QueueRow {
  readonly id: string;
  readonly state: ShownState;
  readonly age: number;
  readonly size: number;
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly account: string | null;
  readonly user: string | null;
  readonly nextAttempt: string | null;
  readonly reason: string | null;
}

export type QueueDetail = QueueRow & MessageDetail;

export interface QueueStats {
  readonly states: Record<ShownState, number>;
  /** Age of the oldest message that still waits, seconds; null when none does. */
  readonly oldest: number | null;
}

/** Where the view looks. */
export interface QueueSource {
  readonly spool: { ids(): Promise<string[]>; open(id: string): Promise<OpenResult> };
  readonly now: () => number;
  /** Is it in a session just now? Nothing is, without an agent. */
  readonly active: (id: string) => boolean;
  /** When the due messages of an account will go, and what holds them up; nobody knows without an agent. */
  readonly outlook: (account: string) => Promise<QueueOutlook | undefined>;
  /** Why mail of its pair is held back, if it is, and when it is tried again (milliseconds since 1970), if known. */
  readonly pairStopped: (entry: StoredEntry) => PairStop | undefined;
}

interface PairStop {
  readonly reason: string;
  readonly nextProbeMs?: number;
}

/** What is known of an account's waiting mail; times in milliseconds since 1970. */
export interface QueueOutlook {
  reason(messageClass: "urgent" | "bulk"): string | undefined;
  expectedMs(id: string, messageClass: "urgent" | "bulk"): number | undefined;
}

export interface QueueFilter {
  readonly state?: ShownState;
  readonly sender?: string;
  readonly recipient?: string;
  readonly account?: string;
  readonly olderThanMs?: number;
  readonly limit: number;
}

/** Rows, oldest first; `more` when the limit cut them off. */
export async function listQueue(
  source: QueueSource,
  filter: QueueFilter,
): Promise<{ rows: QueueRow[]; more: boolean }> {
  const rows: QueueRow[] = [];
  const once = askingOnce(source);
  for (const id of await source.spool.ids()) {
    const row = await look(once, id, rowOf);
    if (!row || !matches(row, filter)) continue;
    if (rows.length === filter.limit) return { rows, more: true };
    rows.push(row);
  }
  return { rows, more: false };
}

/** One answer for each account serves a whole list. */
function askingOnce(source: QueueSource): QueueSource {
  const known = new Map<string, ReturnType<QueueSource["outlook"]>>();
  const outlook = (account: string) => {
    const asked = known.get(account) ?? source.outlook(account);
    known.set(account, asked);
    return asked;
  };
  return { ...source, outlook };
}

/** Everything about one message; undefined when it is not in the spool. */
export function showMessage(source: QueueSource, id: string): Promise<QueueDetail | undefined> {
  return look(source, id, detailOf);
}

/** Counts by state. */
export async function queueStats(source: QueueSource): Promise<QueueStats> {
  const states: Record<ShownState, number> = { incoming: 0, active: 0, deferred: 0, held: 0, bounced: 0 };
  let oldest: number | null = null;
  const once = askingOnce(source);
  for (const id of await source.spool.ids()) {
    const row = await look(once, id, rowOf);
    if (!row) continue;
    states[row.state]++;
    if (row.state !== "bounced") oldest ??= row.age;
  }
  return { states, oldest };
}

interface Seen {
  readonly entry: StoredEntry;
  readonly records: readonly SpoolRecord[];
  readonly state: MessageState;
  readonly shown: ShownState;
  /** Its pair is stopped, and that is what it waits for. */
  readonly stop?: PairStop | undefined;
  /** Of its account; missing when it does not wait for its turn. */
  readonly outlook?: QueueOutlook | undefined;
}

async function look<T>(
  source: QueueSource,
  id: string,
  make: (seen: Seen, source: QueueSource) => T,
): Promise<T | undefined> {
  const opened = await source.spool.open(id).catch((error: Error) => error);
  if (opened instanceof Error) return make(unreadable(id, opened.message), source);
  if (!opened.ok) return opened.why === "gone" ? undefined : make(unreadable(id, opened.problem), source);
  await using message = opened.message;
  const state = messageState(message.entry, message.records);
  if (state.kind === "settled") return undefined; // delivered: its file is about to go
  const { entry, records } = message;
  const active = source.active(id);
  const stop = active || state.kind !== "pending" ? undefined : source.pairStopped(entry);
  const shown = active ? "active" : stop ? "held" : shownState(state, records);
  const waits = !active && !stop && state.kind === "pending" && dueMs(state, source.now()) <= source.now();
  const outlook = waits && entry.account !== null ? await source.outlook(entry.account) : undefined;
  return make({ entry, records, state, shown, stop, outlook }, source);
}

/** A file that cannot be read is shown all the same: parked, with the problem as its reason. */
function unreadable(id: string, problem: string): Seen {
  const reason = `its spool file cannot be read: ${problem}`;
  const entry: StoredEntry = {
    v: SPOOL_VERSION,
    id,
    timeMs: timeOfQueueId(id),
    client: { ip: "?", helo: "?", protocol: "?" },
    received: { sender: null, from: "", recipients: [] },
    account: null,
    envelope: { sender: "" as StoredEntry["from"], recipients: [] },
    from: "" as StoredEntry["from"],
    rule: "-",
    why: reason,
    changes: [],
    class: "bulk",
    messageId: "",
    eightBit: false,
    wireBytes: 0,
  };
  return { entry, records: [], state: { kind: "held", ledger: foldLedger([], []), reason }, shown: "held" };
}

function shownState(
  state: Exclude<MessageState, { kind: "settled" }>,
  records: readonly SpoolRecord[],
): ShownState {
  if (state.kind !== "pending") return state.kind;
  return records.some(({ event }) => event === "attempt") ? "deferred" : "incoming";
}

function rowOf({ entry, state, shown, stop, outlook }: Seen, source: QueueSource): QueueRow {
  const dueMsIfAny = state.kind === "pending" && state.next ? dueMs(state, source.now()) : undefined;
  const expectedMs = outlook?.expectedMs(entry.id, entry.class);
  const nextMs = stop ? stop.nextProbeMs : (expectedMs ?? dueMsIfAny);
  return {
    id: entry.id,
    state: shown,
    age: Math.max(0, Math.floor((source.now() - entry.timeMs) / 1000)),
    size: entry.wireBytes,
    sender: entry.envelope.sender,
    recipients: entry.envelope.recipients,
    account: entry.account,
    user: entry.client.user ?? null,
    nextAttempt: nextMs === undefined ? null : new Date(nextMs).toISOString(),
    reason: stop
      ? `its pair is stopped: ${stop.reason}`
      : (reasonOf(state, outlook?.reason(entry.class), expectedMs) ?? null),
  };
}

/** What holds it up now, with the time it is expected to go; else what it was deferred for. */
function reasonOf(
  state: MessageState,
  holdUp: string | undefined,
  expectedMs: number | undefined,
): string | undefined {
  if (state.kind === "settled") return undefined;
  if (state.kind !== "pending" || holdUp === undefined) return state.reason;
  return expectedMs === undefined ? holdUp : `${holdUp}, about ${clockTime(expectedMs)}`;
}

/** Local time of day, to the second. */
function clockTime(ms: number): string {
  return new Date(ms).toTimeString().slice(0, 8);
}

function detailOf(seen: Seen, source: QueueSource): QueueDetail {
  const { entry, records, state, shown } = seen;
  return {
    ...rowOf(seen, source),
    ...messageDetail(entry, records, { state, underWay: shown === "active" }),
  };
}

function matches(row: QueueRow, filter: QueueFilter): boolean {
  if (filter.state !== undefined && row.state !== filter.state) return false;
  if (filter.account !== undefined && row.account !== filter.account) return false;
  if (filter.sender !== undefined && !row.sender.includes(filter.sender)) return false;
  const { recipient } = filter;
  if (recipient !== undefined && !row.recipients.some((address) => address.includes(recipient))) return false;
  return filter.olderThanMs === undefined || row.age * 1000 >= filter.olderThanMs;
}
