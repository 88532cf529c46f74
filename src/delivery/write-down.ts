/**
 * What came of an attempt, written into the message's file, then told to log and journal.
 *
 * Promises: the outcome is synced before anything is told; a disk that is full is waited for, since going on without
 * the line would send the message again. Who is too old after a failed attempt is given up here, and nowhere else:
 * nobody is given up untried, and none for what the account, the upstream or the pair is to blame for.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { crashPoint } from "../observe/crash-point.ts";
import { expired, retryDelayMs } from "../schedule/backoff.ts";
import type { RecipientResult, Verdict } from "../schedule/outcome.ts";
import type { PastCharge } from "../schedule/pace.ts";
import type { SpoolRecord, StoredEntry } from "../spool/entry.ts";
import type { SpoolMessage } from "../spool/message.ts";
import { messageState } from "../spool/state.ts";
import type { Session, Transaction } from "../upstream/session.ts";
import { tellAttempt } from "./attempt-facts.ts";
import type { DeliverParts } from "./deliver.ts";
import { recordFact } from "./record-facts.ts";

const WRITE_RETRY_MS = 1000;
const WRITE_RETRY_MAX_MS = 30_000;
/** How soon a stop is noticed. */
const SLICE_MS = 200;

interface Tried {
  readonly message: SpoolMessage;
  readonly transaction: Transaction;
  /** When MAIL was said, milliseconds since 1970. */
  readonly startedMs: number;
  readonly blamed: Verdict["scope"] | undefined;
  /** Undefined when no MAIL was said. */
  readonly charged: PastCharge | undefined;
}

/** Writes and tells the attempt, and the expiry that may follow from it. */
export async function writeDown(parts: DeliverParts, session: Session, tried: Tried): Promise<void> {
  const { message, transaction, charged, startedMs } = tried;
  const { entry } = message;
  const at = parts.now();
  const delayMs = nextDelayMs(parts, session, tried);
  const nextMs = delayMs === undefined ? undefined : at + delayMs;
  await append(parts, message, {
    at,
    event: "attempt",
    upstream: session.upstream,
    session: session.id,
    results: transaction.results,
    ...(transaction.inDoubt ? { inDoubt: true as const } : {}),
    ...(nextMs === undefined ? {} : { nextMs }),
  });
  crashPoint("recorded");
  const { results, inDoubt } = transaction;
  const told = { entry, results, inDoubt, charged, startedMs, at, nextMs: nextMs ?? at };
  await tellAttempt(parts.events, session, told);
  if (tried.blamed === undefined || tried.blamed === "session") await expireIfOld(parts, message);
}

/** Until the next attempt, milliseconds; undefined when nobody is left, or when a breaker says when it goes on. */
function nextDelayMs(
  parts: DeliverParts,
  session: Session,
  { message, transaction, blamed }: Tried,
): number | undefined {
  const { results, inDoubt } = transaction;
  const deferred = results.flatMap((result) =>
    result.status === "failed" && result.verdict.action === "defer" ? [result.verdict] : [],
  );
  if (deferred.length === 0 || blamed === "account" || blamed === "pair") return undefined;
  // RFC 5321 §4.5.3.1.10: "too many recipients": the rest in a transaction of its own, as long as that leads somewhere.
  if (deferred.every(({ soon }) => soon) && results.some(isDelivered)) return 0;
  // A session that worked and then ended under this message (its limit of messages, say) is no reason to wait.
  const first = !message.records.some(({ event }) => event === "attempt");
  if (blamed === "session" && session.mails > 1 && !inDoubt && first) return 0;
  return retryDelayMs(parts.retry, ageMs(parts, message.entry), parts.random);
}

function isDelivered({ status }: RecipientResult): boolean {
  return status === "delivered";
}

/** Gives up who is still pending when the message is too old. */
async function expireIfOld(parts: DeliverParts, message: SpoolMessage): Promise<void> {
  const { entry } = message;
  const state = messageState(entry, message.records);
  if (state.kind !== "pending" || !expired(parts.retry, ageMs(parts, entry))) return;
  const at = parts.now();
  const recipients = state.ledger.pending;
  const reason = `not delivered in time; last: ${state.reason ?? "not tried"}`;
  const record = { at, event: "expired", recipients, reason } as const;
  await append(parts, message, record);
  const fact = recordFact(entry, record);
  if (fact) await parts.events.fact(fact);
}

/** Its age as far as it counts for retries and expiry: the working time of its pair since it was accepted. */
function ageMs(parts: DeliverParts, entry: StoredEntry): number {
  if (entry.workedMs === undefined) return parts.now() - entry.timeMs; // an older version wrote it
  return parts.workedMs(entry) - entry.workedMs;
}

/** Tries until it is written. A stop ends that; the attempt is then in doubt. */
async function append(parts: DeliverParts, message: SpoolMessage, record: SpoolRecord): Promise<void> {
  for (let waitMs = WRITE_RETRY_MS; ; waitMs = Math.min(WRITE_RETRY_MAX_MS, waitMs * 2)) {
    try {
      return await message.append(record);
    } catch (error) {
      const reason = `cannot write down what the upstream said, trying again: ${(error as Error).message}`;
      parts.events.report("trouble", { part: "spool", id: message.entry.id, reason }, "error");
      if (parts.ending()) throw error;
      for (let sleptMs = 0; sleptMs < waitMs && !parts.ending(); sleptMs += SLICE_MS) await sleep(SLICE_MS);
    }
  }
}
