/**
 * Who of a message's recipients is settled: a fold of the records in its spool file, oldest first.
 *
 * Promises: delivered is final, whatever a later record says; given up is final but for an operator's retry; a
 * record that stands there twice changes nothing; the order of recipients stays.
 * Passes over results for addresses that are no recipients of the message.
 */
import type { Address } from "../mail/address.ts";
import type { Failure, RecipientResult, UpstreamReply } from "./outcome.ts";

/** What counts for the ledger. `at` is milliseconds since 1970. */
export type LedgerRecord =
  | { readonly event: "attempt"; readonly at: number; readonly results: readonly RecipientResult[] }
  /** Given up without the upstream's word: by age, or by an operator. */
  | {
      readonly event: "expired" | "bounced";
      readonly at: number;
      readonly recipients: readonly Address[];
      readonly reason: string;
    }
  /** An operator's retry: who was given up is to be tried again. */
  | { readonly event: "retried"; readonly at: number };

export interface DeliveredRecipient {
  readonly recipient: Address;
  readonly at: number;
  readonly reply: UpstreamReply;
}

export interface FailedRecipient {
  readonly recipient: Address;
  readonly at: number;
  /** Who gave it up: the upstream, its age, or an operator. */
  readonly by: "upstream" | "age" | "operator";
  readonly reason: string;
  /** What the upstream said of it last, if it was ever tried. */
  readonly failure: Failure | undefined;
}

export interface Ledger {
  /** Still to be sent. */
  readonly pending: readonly Address[];
  readonly delivered: readonly DeliveredRecipient[];
  /** Given up, in the order it happened. */
  readonly failed: readonly FailedRecipient[];
  /** Why those pending wait: the newest failure of each that was tried. */
  readonly reasons: ReadonlyMap<Address, Failure>;
}

/** Folds the records. */
export function foldLedger(recipients: readonly Address[], records: readonly LedgerRecord[]): Ledger {
  const open = new Set(recipients);
  const delivered: DeliveredRecipient[] = [];
  const failed = new Map<Address, FailedRecipient>();
  const reasons = new Map<Address, Failure>();
  const giveUp = (one: FailedRecipient) => {
    open.delete(one.recipient);
    reasons.delete(one.recipient);
    failed.set(one.recipient, one);
  };
  for (const record of records) {
    const { at } = record;
    switch (record.event) {
      case "attempt":
        for (const result of record.results) {
          const { recipient } = result;
          if (!open.has(recipient)) continue;
          if (result.status === "failed") {
            const { failure, verdict } = result;
            if (verdict.action === "defer") reasons.set(recipient, failure);
            else giveUp({ recipient, at, by: "upstream", reason: wordsOf(failure), failure });
            continue;
          }
          delivered.push({ recipient, at, reply: result.reply });
          open.delete(recipient);
          reasons.delete(recipient);
        }
        break;
      case "expired":
      case "bounced": {
        const by = record.event === "expired" ? "age" : "operator";
        for (const recipient of record.recipients.filter((one) => open.has(one))) {
          giveUp({ recipient, at, by, reason: record.reason, failure: reasons.get(recipient) });
        }
        break;
      }
      case "retried":
        for (const { recipient, failure } of failed.values()) {
          open.add(recipient);
          if (failure) reasons.set(recipient, failure);
        }
        failed.clear();
        break;
    }
  }
  return {
    pending: recipients.filter((recipient) => open.has(recipient)),
    delivered,
    failed: [...failed.values()],
    reasons,
  };
}

/** A failure in the upstream's words, or in ours. */
export function wordsOf(failure: Failure): string {
  return failure.reply?.text ?? failure.text;
}
