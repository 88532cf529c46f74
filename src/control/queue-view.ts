/**
 * One message as `queue` shows it, a row or everything about it: read from the spool, the disk owns what is.
 *
 * Promises: works with and without the agent and Redis; the shapes are stable, for programs to rely on; ages in whole
 * seconds, sizes in bytes, times ISO 8601. With an agent, it knows which messages are in a session just now.
 * One message is one file: nothing else is looked at. Lists are in queue-scan.ts, counts in queue-stats.ts.
 */
import { foldLedger } from "../schedule/ledger.ts";
import { SPOOL_VERSION, type SpoolRecord, type StoredEntry } from "../spool/entry.ts";
import type { Glance } from "../spool/glance.ts";
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

/** Where the view looks. */
export interface QueueSource {
  readonly spool: { ids(): Promise<string[]>; glance(id: string): Promise<Glance> };
  readonly now: () => number;
  /** Is it in a session just now? Nothing is, without an agent. */
  readonly active: (id: string) => boolean;
  /** When these due messages of an account will go, and what holds them up; nobody knows without an agent. */
  readonly outlook: (account: string, messages: readonly InLine[]) => Promise<QueueOutlook | undefined>;
  /** Why mail of its pair is held back, if it is, and when it is tried again (milliseconds since 1970), if known. */
  readonly pairStopped: (entry: StoredEntry) => PairStop | undefined;
}

interface InLine {
  readonly id: string;
  readonly class: "urgent" | "bulk";
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

/** Everything about one message; undefined when it is not in the spool. */
export async function showMessage(source: QueueSource, id: string): Promise<QueueDetail | undefined> {
  const seen = await look(source, id);
  if (!seen) return undefined;
  const { entry, records, state, shown } = seen;
  const outlook = seen.waitsIn === undefined ? undefined : await source.outlook(seen.waitsIn, [entry]);
  return {
    ...rowOf(seen, source.now(), outlook),
    ...messageDetail(entry, records, { state, underWay: shown === "active" }),
  };
}

/** A message that was looked at. */
export interface Seen {
  readonly entry: StoredEntry;
  readonly records: readonly SpoolRecord[];
  readonly state: MessageState;
  readonly shown: ShownState;
  /** Its pair is stopped, and that is what it waits for. */
  readonly stop?: PairStop | undefined;
  /** The account in which it waits for its turn, if it does: the account's outlook tells of it. */
  readonly waitsIn?: string | undefined;
}

/** Looks at one message; undefined when it is not in the spool, or delivered. */
export async function look(source: QueueSource, id: string): Promise<Seen | undefined> {
  const found = await source.spool.glance(id).catch((error: Error) => error);
  if (found instanceof Error) return unreadable(id, found.message);
  if (!found.ok) return found.why === "gone" ? undefined : unreadable(id, found.problem);
  const { entry, records } = found;
  const state = messageState(entry, records);
  if (state.kind === "settled") return undefined; // delivered: its file is about to go
  const active = source.active(id);
  const stop = active || state.kind !== "pending" ? undefined : source.pairStopped(entry);
  const shown = active ? "active" : stop ? "held" : shownState(state, records);
  const waits = !active && !stop && state.kind === "pending" && dueMs(state, source.now()) <= source.now();
  return { entry, records, state, shown, stop, waitsIn: waits ? (entry.account ?? undefined) : undefined };
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

/** Its row; what it waits for is told when the outlook of its account is at hand. */
export function rowOf(
  { entry, state, shown, stop }: Seen,
  nowMs: number,
  outlook: QueueOutlook | undefined,
): QueueRow {
  const dueMsIfAny = state.kind === "pending" && state.next ? dueMs(state, nowMs) : undefined;
  const expectedMs = outlook?.expectedMs(entry.id, entry.class);
  const nextMs = stop ? stop.nextProbeMs : (expectedMs ?? dueMsIfAny);
  return {
    id: entry.id,
    state: shown,
    age: Math.max(0, Math.floor((nowMs - entry.timeMs) / 1000)),
    size: entry.wireBytes,
    sender: entry.envelope.sender,
    recipients: entry.envelope.recipients,
    account: entry.account,
    user: entry.client.user ?? null,
    nextAttempt: nextMs === undefined ? null : new Date(nextMs).toISOString(),
    reason: stop
      ? `its pair is stopped: ${stop.reason}`
      : (reasonOf(state, outlook?.reason(entry.class)) ?? null),
  };
}

/** What holds it up now; else what it was deferred for. */
function reasonOf(state: MessageState, holdUp: string | undefined): string | undefined {
  if (state.kind === "settled") return undefined;
  return state.kind === "pending" && holdUp !== undefined ? holdUp : state.reason;
}
