/**
 * Who of a message's recipients is settled: a fold of the outcome records in its spool file.
 *
 * Promises: delivered and bounced are final, whatever a later record says; a record that stands there
 * twice changes nothing; the order of recipients stays.
 * Passes over results for addresses that are no recipients of the message.
 */
import type { Address } from "../mail/address.ts";
import type { Failure, RecipientResult, UpstreamReply } from "./outcome.ts";

/** One attempt, as appended to the spool file. `at` is milliseconds since 1970. */
export interface OutcomeRecord {
  readonly at: number;
  readonly results: readonly RecipientResult[];
}

export interface DeliveredRecipient {
  readonly recipient: Address;
  readonly at: number;
  readonly reply: UpstreamReply;
}

export interface BouncedRecipient {
  readonly recipient: Address;
  readonly at: number;
  readonly failure: Failure;
}

export interface Ledger {
  /** Still to be sent. */
  readonly pending: readonly Address[];
  readonly delivered: readonly DeliveredRecipient[];
  /** Given up on the upstream's word. */
  readonly bounced: readonly BouncedRecipient[];
  /** Given up by age, while pending. */
  readonly expired: readonly Address[];
  /** Why those pending wait: the newest failure of each that was tried. */
  readonly reasons: ReadonlyMap<Address, Failure>;
}

/** Folds the records. `expired`: recipients that were given up by age. */
export function foldLedger(
  recipients: readonly Address[],
  outcomes: readonly OutcomeRecord[],
  expired: readonly Address[] = [],
): Ledger {
  const open = new Set(recipients);
  const delivered: DeliveredRecipient[] = [];
  const bounced: BouncedRecipient[] = [];
  const reasons = new Map<Address, Failure>();
  for (const { at, results } of outcomes) {
    for (const result of results) {
      if (!open.has(result.recipient)) continue;
      const { recipient } = result;
      if (result.status === "delivered") delivered.push({ recipient, at, reply: result.reply });
      else if (result.verdict.action === "bounce") bounced.push({ recipient, at, failure: result.failure });
      else {
        reasons.set(recipient, result.failure);
        continue;
      }
      open.delete(recipient);
      reasons.delete(recipient);
    }
  }
  const givenUp = new Set(expired);
  const pending = [...open].filter((recipient) => !givenUp.has(recipient));
  return {
    pending,
    delivered,
    bounced,
    expired: [...open].filter((recipient) => givenUp.has(recipient)),
    reasons,
  };
}
