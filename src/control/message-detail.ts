/**
 * What `queue show` says of one message beyond its row: envelope, decisions, every attempt, what else happened to it.
 *
 * Promises: pure; the shape is stable, for programs to rely on; times ISO 8601, oldest first. An attempt that was cut off
 * after its final dot stands there too, in doubt and without results, told by then or not.
 */
import type { RecipientResult } from "../schedule/outcome.ts";
import type { SpoolRecord, StoredEntry } from "../spool/entry.ts";
import { routeChange } from "../spool/route.ts";
import { interruptedAttempt, type MessageState } from "../spool/state.ts";

export interface MessageDetail {
  readonly envelope: { readonly sender: string; readonly recipients: readonly RecipientState[] };
  readonly received: StoredEntry["received"];
  readonly client: StoredEntry["client"];
  readonly acceptedAt: string;
  readonly from: string;
  readonly messageId: string;
  readonly class: string;
  readonly rule: string;
  readonly why: string;
  readonly changes: StoredEntry["changes"];
  readonly attempts: readonly AttemptView[];
  readonly history: readonly HistoryView[];
}

interface RecipientState {
  readonly address: string;
  readonly state: "pending" | "delivered" | "bounced" | "expired";
}

interface AttemptView {
  readonly at: string;
  readonly upstream: string;
  readonly session: string;
  readonly inDoubt: boolean;
  readonly next: string | null;
  /** Empty when no outcome could be written. */
  readonly results: readonly { recipient: string; outcome: string; reply: string }[];
}

/** Something that happened to it besides attempts. */
interface HistoryView {
  readonly at: string;
  readonly what: "held" | "released" | "retried" | "repolicied" | "bounced" | "expired" | "notice";
  /** Words for people; empty when `what` says it all. */
  readonly detail: string;
}

/** `underWay`: it is in a session now, so an attempt without an outcome is none that was cut off. */
export function messageDetail(
  entry: StoredEntry,
  records: readonly SpoolRecord[],
  { state, underWay }: { readonly state: MessageState; readonly underWay: boolean },
): MessageDetail {
  const cut = underWay ? undefined : interruptedAttempt(records);
  const attempts = records.filter((record) => record.event === "attempt").map(attemptView);
  return {
    envelope: { sender: entry.envelope.sender, recipients: recipientStates(entry, state) },
    received: entry.received,
    client: entry.client,
    acceptedAt: iso(entry.timeMs),
    from: entry.from,
    messageId: entry.messageId,
    class: entry.class,
    rule: entry.rule,
    why: entry.why,
    changes: entry.changes,
    attempts: cut ? [...attempts, attemptView({ ...cut, results: [], inDoubt: true })] : attempts,
    history: records.flatMap(historyView),
  };
}

function recipientStates({ envelope }: StoredEntry, { ledger }: MessageState): RecipientState[] {
  const states = new Map<string, RecipientState["state"]>();
  for (const { recipient } of ledger.delivered) states.set(recipient, "delivered");
  for (const { recipient, by } of ledger.failed) states.set(recipient, by === "age" ? "expired" : "bounced");
  return envelope.recipients.map((address) => ({ address, state: states.get(address) ?? "pending" }));
}

type Attempt = Extract<SpoolRecord, { event: "attempt" }>;

function attemptView(record: Omit<Attempt, "event">): AttemptView {
  return {
    at: iso(record.at),
    upstream: record.upstream,
    session: record.session,
    inDoubt: record.inDoubt === true,
    next: record.nextMs === undefined ? null : iso(record.nextMs),
    results: record.results.map((result: RecipientResult) =>
      result.status === "delivered"
        ? { recipient: result.recipient, outcome: "delivered", reply: result.reply.text }
        : {
            recipient: result.recipient,
            outcome: result.verdict.action === "bounce" ? "bounced" : "deferred",
            reply: result.failure.reply?.text ?? result.failure.text,
          },
    ),
  };
}

function historyView(record: SpoolRecord): HistoryView[] {
  const at = iso(record.at);
  switch (record.event) {
    case "held":
      return [{ at, what: "held", detail: record.reason }];
    case "released":
    case "retried":
      return [{ at, what: record.event, detail: "" }];
    case "bounced":
    case "expired":
      return [
        { at, what: record.event, detail: `${record.reason}; given up: ${record.recipients.join(", ")}` },
      ];
    case "repolicied":
      return [{ at, what: "repolicied", detail: `${routeChange(record)} (${record.rule}: ${record.why})` }];
    case "noticed": {
      const about = `about ${record.recipients.join(", ")}`;
      const where = record.id === null ? "counted for the next digest" : `sent as ${record.id}`;
      return [{ at, what: "notice", detail: `${record.kind} ${about}: ${where}` }];
    }
    case "attempt":
    case "dot":
      return [];
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
