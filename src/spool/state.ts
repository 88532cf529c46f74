/**
 * The state of a message, derived from its file alone: what recovery, delivery and the queue commands share.
 *
 *     pending ──▶ settled           every recipient delivered: the file may go
 *        │  └───▶ bounced           somebody was given up: the file stays for `keep.bounced`
 *        └──▶ held ──▶ pending      parked by policy or an operator, until released
 *
 * Promises: pure; the same entry and records give the same state. Redis has no say in it.
 */
import type { Address } from "../mail/address.ts";
import { foldLedger, type Ledger } from "../schedule/ledger.ts";
import type { SpoolEntry, SpoolRecord } from "./entry.ts";

export type MessageState =
  | {
      readonly kind: "pending";
      readonly ledger: Ledger;
      /** When the next attempt is due, milliseconds since 1970; undefined: at once. */
      readonly nextMs: number | undefined;
      /** Why it waits, if an attempt said so. */
      readonly reason: string | undefined;
    }
  | { readonly kind: "held"; readonly ledger: Ledger; readonly reason: string }
  | { readonly kind: "bounced"; readonly ledger: Ledger; readonly reason: string; readonly atMs: number }
  | { readonly kind: "settled"; readonly ledger: Ledger };

/** Folds a message's entry and records, oldest first, into its state. */
export function messageState(entry: SpoolEntry, records: readonly SpoolRecord[]): MessageState {
  let hold = entry.hold;
  let nextMs: number | undefined;
  let postponed: string | undefined;
  let atMs = entry.timeMs;
  const expired: Address[] = [];
  const attempts = [];
  for (const record of records) {
    atMs = record.at;
    switch (record.event) {
      case "attempt":
        attempts.push(record);
        nextMs = record.nextMs;
        postponed = undefined;
        break;
      case "postponed":
        nextMs = record.nextMs;
        postponed = record.reason;
        break;
      case "expired":
        expired.push(...record.recipients);
        break;
      case "held":
        hold = record.reason;
        break;
      case "released":
        hold = undefined;
        nextMs = undefined;
        break;
    }
  }
  const ledger = foldLedger(entry.envelope.recipients, attempts, expired);
  if (ledger.pending.length === 0) {
    const failure = ledger.bounced.at(-1)?.failure;
    if (failure) return { kind: "bounced", ledger, reason: failure.reply?.text ?? failure.text, atMs };
    if (ledger.expired.length > 0) return { kind: "bounced", ledger, reason: "expired", atMs };
    return { kind: "settled", ledger };
  }
  if (hold !== undefined) return { kind: "held", ledger, reason: hold };
  const failure = [...ledger.reasons.values()].at(-1);
  return { kind: "pending", ledger, nextMs, reason: postponed ?? failure?.reply?.text ?? failure?.text };
}
