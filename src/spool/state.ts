/**
 * The state of a message, derived from its file alone: what recovery, delivery and the queue commands share.
 *
 *     pending ──▶ settled           every recipient delivered: the file may go
 *        │  └───▶ bounced           somebody was given up: the file stays for `keep.bounced`
 *        └──▶ held ──▶ pending      parked by policy or an operator, until released
 *     bounced ──▶ pending           an operator's retry
 *
 * Policy and operators park for themselves: what both hold goes on when both let it go. A release lets go of both.
 * Promises: pure; the same entry and records give the same state. Redis has no say in it.
 */
import type { Address } from "../mail/address.ts";
import {
  type FailedRecipient,
  foldLedger,
  type Ledger,
  type LedgerRecord,
  wordsOf,
} from "../schedule/ledger.ts";
import type { RecipientResult } from "../schedule/outcome.ts";
import type { SpoolEntry, SpoolRecord } from "./entry.ts";

export type MessageState =
  | {
      readonly kind: "pending";
      readonly ledger: Ledger;
      /** When the next attempt is due, milliseconds since 1970, and how long that was when it was said; undefined: at once. */
      readonly next: { readonly dueMs: number; readonly waitMs: number } | undefined;
      /** Why it waits, if an attempt said so. */
      readonly reason: string | undefined;
    }
  | { readonly kind: "held"; readonly ledger: Ledger; readonly reason: string }
  | { readonly kind: "bounced"; readonly ledger: Ledger; readonly reason: string; readonly atMs: number }
  | { readonly kind: "settled"; readonly ledger: Ledger };

type Waiting = Pick<Extract<MessageState, { kind: "pending" }>, "next">;

/** Why a message is parked, and by whom. */
export interface Holds {
  readonly policy: string | undefined;
  readonly operator: string | undefined;
}

/** Folds what parks a message. */
export function holdsOf(entry: SpoolEntry, records: readonly SpoolRecord[]): Holds {
  let holds: Holds = { policy: entry.hold, operator: undefined };
  for (const record of records) {
    if (record.event === "held") holds = { ...holds, operator: record.reason };
    else if (record.event === "released") holds = { policy: undefined, operator: undefined };
    else if (record.event === "repolicied") holds = { ...holds, policy: record.hold };
  }
  return holds;
}

/** Folds a message's entry and records, oldest first, into its state. */
export function messageState(entry: SpoolEntry, records: readonly SpoolRecord[]): MessageState {
  let next: { dueMs: number; waitMs: number } | undefined;
  let atMs = entry.timeMs;
  const settling: LedgerRecord[] = [];
  for (const record of records) {
    switch (record.event) {
      case "attempt":
        settling.push(record);
        if (record.nextMs !== undefined) next = { dueMs: record.nextMs, waitMs: record.nextMs - record.at };
        // One that deferred nobody says nothing of those that the transaction before it deferred.
        else if (record.results.length === 0 || record.results.some(isDeferred)) next = undefined;
        break;
      case "expired":
      case "bounced":
        settling.push(record);
        break;
      case "retried":
        settling.push(record);
        next = undefined;
        break;
      case "held":
        break;
      case "released":
        next = undefined;
        break;
      case "dot":
      case "noticed":
      case "repolicied": // what is bounced is kept no longer for it
        continue;
    }
    atMs = record.at;
  }
  const ledger = foldLedger(entry.envelope.recipients, settling);
  if (ledger.pending.length === 0) {
    const last = ledger.failed.at(-1);
    return last ? { kind: "bounced", ledger, reason: last.reason, atMs } : { kind: "settled", ledger };
  }
  const holds = holdsOf(entry, records);
  const hold = holds.operator ?? holds.policy;
  if (hold !== undefined) return { kind: "held", ledger, reason: hold };
  const failure = [...ledger.reasons.values()].at(-1);
  // Who was in no transaction yet waits for nobody.
  if (ledger.pending.some((recipient) => !ledger.reasons.has(recipient))) next = undefined;
  return { kind: "pending", ledger, next, reason: failure && wordsOf(failure) };
}

/** The attempt that was cut off after its final dot, before its outcome was written: the message may have arrived. */
export function interruptedAttempt(
  records: readonly SpoolRecord[],
): Extract<SpoolRecord, { event: "dot" }> | undefined {
  const last = records.findLast(({ event }) => event === "dot" || event === "attempt");
  return last?.event === "dot" ? last : undefined;
}

/** Who was given up and is in no notice yet. */
export function unnoticed(ledger: Ledger, records: readonly SpoolRecord[]): readonly FailedRecipient[] {
  const told = new Set<Address>();
  for (const record of records) {
    if (record.event === "retried") told.clear(); // only after that can anybody fail again
    if (record.event !== "noticed" || record.kind !== "failure") continue;
    for (const recipient of record.recipients) told.add(recipient);
  }
  return ledger.failed.filter(({ recipient }) => !told.has(recipient));
}

/** Whether a message whose job came due is to wait all the same: its job was lost and made anew. */
export function waits({ next }: Waiting, nowMs: number): boolean {
  // A time beyond its wait from now was written while the clock was ahead: the job knows better.
  return next !== undefined && next.dueMs > nowMs && next.dueMs <= nowMs + next.waitMs;
}

/**
 * When a pending message is due, milliseconds since 1970. Never later from now than its wait was when it was decided:
 * a time beyond that was written while the clock was ahead.
 */
export function dueMs({ next }: Waiting, nowMs: number): number {
  return next === undefined ? nowMs : Math.min(next.dueMs, nowMs + next.waitMs);
}

function isDeferred(result: RecipientResult): boolean {
  return result.status === "failed" && result.verdict.action === "defer";
}
