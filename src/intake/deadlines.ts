/**
 * How long a client may take, so that a slow one cannot hold a session for ever (promise P8).
 *
 * Promises: every wait for the client is bounded, by silence (`idleMs`), by age (session and transaction)
 * and by a least rate of data. Time in which the client waits for us counts for nothing.
 */
import type { Reply } from "../mail/reply.ts";
import { tooSlow } from "./replies.ts";

export interface Deadlines {
  /** RFC 5321 §4.5.3.2.7: at least five minutes of silence between commands. */
  readonly idleMs: number;
  /** From the greeting, or the last message, to the next message. */
  readonly sessionMs: number;
  /** From MAIL to the final dot. */
  readonly transactionMs: number;
  /** How long DATA may be slower than `dataBytesPerSecond`, for people who type their mail. */
  readonly dataGraceMs: number;
  /** Least average over the whole of DATA. */
  readonly dataBytesPerSecond: number;
}

const MINUTE_MS = 60_000;

export const defaultDeadlines: Deadlines = {
  idleMs: 5 * MINUTE_MS,
  sessionMs: 60 * MINUTE_MS,
  transactionMs: 30 * MINUTE_MS,
  dataGraceMs: 5 * MINUTE_MS,
  dataBytesPerSecond: 256,
};

/** Where a session stands; all times in milliseconds of the same monotonic clock. */
export interface Progress {
  /** Of the greeting or the last message, whichever is later. */
  readonly waitingSinceMs: number;
  /** Of MAIL. */
  readonly transactionSinceMs?: number;
  readonly data?: { readonly sinceMs: number; readonly bytes: number };
}

/** The 421 for a client that took too long; undefined while it is in time. */
export function overdue(deadlines: Deadlines, progress: Progress, nowMs: number): Reply | undefined {
  const { waitingSinceMs, transactionSinceMs, data } = progress;
  if (data !== undefined) {
    const tookMs = nowMs - data.sinceMs;
    const wantedBytes = (tookMs / 1000) * deadlines.dataBytesPerSecond;
    if (tookMs > deadlines.dataGraceMs && data.bytes < wantedBytes) return tooSlow("data comes too slowly");
  }
  const inTransaction = transactionSinceMs !== undefined;
  if (inTransaction && nowMs - transactionSinceMs > deadlines.transactionMs) {
    return tooSlow("the message took too long");
  }
  // A message begun at the last moment may be finished; MAIL and RSET in turn gain nothing.
  const limitMs = deadlines.sessionMs + (inTransaction ? deadlines.transactionMs : 0);
  return nowMs - waitingSinceMs > limitMs ? tooSlow("no message for too long") : undefined;
}
