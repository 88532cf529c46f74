/**
 * How fast an account's mail may go out (config `accounts[].pace`), as buckets: what each holds, and what a message costs.
 *
 * A bucket is a GCRA with weights. A weight w costs w · P / (cap − burst) of time, P = 3600 s + D; a charge conforms while
 * the bucket owes at most burst · P / (cap − burst). In any window of P at most `cap` conform: docs/pacing.md.
 * Promises: pure. Costs are whole microseconds, rounded up for each message; a burst is at least what one transaction
 * may weigh, so that nothing waits for ever.
 */

/** At most so much in any 60 minutes, over every host that shares Redis. */
export type Pace =
  | { readonly kind: "unlimited" }
  | {
      readonly kind: "paced";
      readonly perHour: number;
      /** May go at once after a quiet spell; inside perHour. */
      readonly burst: number;
      readonly recipientsPerHour?: number;
      readonly bytesPerHour?: number;
      /** The part of perHour that is kept for urgent mail, 0 to 1. */
      readonly urgentShare: number;
      /** What a contract year may hold; `starts` is its first day, MM-DD. At the end of it: warn, or hold bulk mail. */
      readonly perYear?: {
        readonly messages?: number;
        readonly bytes?: number;
        readonly starts: string;
        readonly at: "warn" | "hold";
      };
    };

export type Measure = "messages" | "recipients" | "bytes" | "bulk";

/** What one account may use of a measure in any 60 minutes; `bulk` counts messages that are not urgent. */
export interface Bucket {
  readonly measure: Measure;
  readonly cap: number;
  readonly burst: number;
}

/** What a message weighs. */
export interface Weight {
  readonly recipients: number;
  readonly bytes: number;
}

export type MessageClass = "urgent" | "bulk";

/** A charge that was taken. `atMs` is the clock of the host that took it, milliseconds since 1970. */
export interface PastCharge extends Weight {
  readonly atMs: number;
  readonly class: MessageClass;
  /** Whose budget it was taken of (pacing/credential-key.ts); missing when that is not known any more. */
  readonly credential?: string;
}

export const HOUR_MS = 3_600_000;
/** D: how old a charge may be when its MAIL is said, milliseconds. */
export const CHARGE_VALID_MS = 5000;
/** The MAILs of any 60 minutes have their charges in so much, milliseconds. */
export const CHARGE_PERIOD_MS = HOUR_MS + CHARGE_VALID_MS;
const PERIOD_US = CHARGE_PERIOD_MS * 1000;
/** RFC 5321 §4.5.3.1.8: what a transaction may have without asking. */
export const TRANSACTION_RECIPIENTS = 100;

/** The buckets of a pace; `largestBytes`: the largest message there is (config `limits.messageSize`). */
export function bucketsOf(pace: Pace, largestBytes: number): readonly Bucket[] {
  if (pace.kind === "unlimited") return [];
  const { perHour, burst, recipientsPerHour, bytesPerHour, urgentShare } = pace;
  const buckets: Bucket[] = [{ measure: "messages", cap: perHour, burst }];
  if (recipientsPerHour !== undefined) {
    buckets.push({
      measure: "recipients",
      cap: recipientsPerHour,
      burst: recipientsBurst(recipientsPerHour),
    });
  }
  if (bytesPerHour !== undefined) {
    const least = Math.max(Math.floor(bytesPerHour / 100), largestBytes);
    buckets.push({ measure: "bytes", cap: bytesPerHour, burst: Math.min(least, bytesPerHour - 1) });
  }
  if (urgentShare > 0) {
    const cap = Math.max(2, perHour - Math.ceil(perHour * urgentShare));
    buckets.push({ measure: "bulk", cap, burst: Math.min(burst, cap - 1) });
  }
  return buckets;
}

/** Most recipients of a transaction under this pace. */
export function transactionRecipients(pace: Pace): number {
  if (pace.kind === "unlimited" || pace.recipientsPerHour === undefined) return TRANSACTION_RECIPIENTS;
  return Math.min(TRANSACTION_RECIPIENTS, recipientsBurst(pace.recipientsPerHour));
}

/** One hundredth, but a whole transaction where there is room for two. */
function recipientsBurst(perHour: number): number {
  return Math.max(1, Math.floor(perHour / 100), Math.min(TRANSACTION_RECIPIENTS, Math.floor(perHour / 2)));
}

/** What a message costs a bucket, microseconds. What is more than an hour holds takes all of the hour. */
export function costUs({ measure, cap, burst }: Bucket, { recipients, bytes }: Weight): number {
  const weight = measure === "recipients" ? recipients : measure === "bytes" ? bytes : 1;
  return Math.ceil((Math.min(weight, cap) * PERIOD_US) / (cap - burst));
}

/** What a bucket may owe after a charge, microseconds. */
export function allowanceUs({ cap, burst }: Bucket): number {
  return Math.floor((burst * PERIOD_US) / (cap - burst));
}

/** Whether a message of this class uses the bucket. */
export function uses(bucket: Bucket, messageClass: MessageClass): boolean {
  return bucket.measure !== "bulk" || messageClass === "bulk";
}

/** What a bucket owes after these charges, rising, microseconds: each adds its cost to what is owed at its time. */
export function debtUs(bucket: Bucket, charges: readonly PastCharge[], nowMs: number): number {
  let freeAtUs = Number.NEGATIVE_INFINITY;
  let mostUs = allowanceUs(bucket);
  for (const charge of charges.filter((one) => uses(bucket, one.class))) {
    const cost = costUs(bucket, charge);
    freeAtUs = Math.max(freeAtUs, charge.atMs * 1000) + cost;
    mostUs = Math.max(mostUs, cost);
  }
  // A clock that was set back leaves charges in the future: more than that is never owed.
  return Math.min(mostUs, Math.max(0, Math.ceil(freeAtUs - nowMs * 1000)));
}
