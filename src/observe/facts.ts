/**
 * What happens to mail, as facts: the lines of the journal, and with them of the log.
 *
 * A fact is written once, when it is true, and never changed. Names and keys are for programs to rely on.
 * No body and no password ever stands in one; a subject only where `keep.subjects` says so, and then in the journal alone.
 */
import type { Address } from "../mail/address.ts";
import type { UpstreamReply } from "../schedule/outcome.ts";

interface MailFact {
  /** Queue id. */
  readonly id: string;
  readonly account: string | null;
  /** Envelope sender it goes out with; what the client said while nothing is decided. */
  readonly sender: Address | string | null;
  /** The local user whose program it came from, when known. */
  readonly user?: string;
}

/** Taken into custody: 250 was, or is about to be, said. */
export interface Accepted extends MailFact {
  readonly event: "accepted";
  readonly from: string;
  readonly recipients: readonly string[];
  readonly sizeBytes: number;
  readonly class: "urgent" | "bulk";
  readonly client: string;
  readonly messageId: string;
  readonly rule: string;
  readonly subject?: string;
  /** What the client said instead, where policy or aliases made something else of it. */
  readonly said?: {
    readonly sender?: string;
    readonly from?: string;
    readonly recipients?: readonly string[];
  };
  /** It is a notice of ours, about message `of`. */
  readonly notice?: { readonly kind: "failure" | "delay" | "digest"; readonly of: string | null };
}

/** Refused at the listener, with the reply the client got. */
export interface Rejected {
  readonly event: "rejected";
  readonly stage: "connect" | "command" | "mail" | "rcpt" | "data";
  readonly reply: string;
  readonly client: string;
  readonly user?: string;
  readonly id?: string;
  readonly sender?: string;
  readonly from?: string;
  readonly recipients?: readonly string[];
  readonly messageId?: string;
  readonly sizeBytes?: number;
  readonly rule?: string;
  readonly subject?: string;
}

/** One try at the upstream; `charged` is how many messages of the hour's budget it took (0 or 1). */
interface AttemptFact extends MailFact {
  readonly recipients: readonly Address[];
  readonly upstream: string;
  readonly session: string;
  readonly charged: 0 | 1;
  /** With `charged`: what else it took, and when, ISO 8601. */
  readonly charge?: {
    readonly recipients: number;
    readonly bytes: number;
    readonly class: "urgent" | "bulk";
    readonly at: string;
    /** Of which credential's budget. */
    readonly credential?: string;
  };
  /** Seconds since the message was accepted. */
  readonly delay: number;
  /** Seconds from MAIL to the last reply, when the attempt was ours to watch. */
  readonly took?: number;
  readonly inDoubt?: true;
}

export interface Delivered extends AttemptFact {
  readonly event: "delivered";
  readonly reply: UpstreamReply;
  readonly sizeBytes: number;
}

export interface Deferred extends AttemptFact {
  readonly event: "deferred";
  readonly reply?: UpstreamReply;
  readonly reason: string;
  /** Next attempt, ISO 8601. */
  readonly next: string;
}

export interface Bounced extends AttemptFact {
  readonly event: "bounced";
  readonly reply?: UpstreamReply;
  readonly reason: string;
}

/** Given up by an operator. */
export interface GivenUp extends MailFact {
  readonly event: "bounced";
  readonly by: "operator";
  readonly recipients: readonly Address[];
  readonly reason: string;
  /** Seconds since the message was accepted. */
  readonly delay: number;
}

/** Given up by age. */
export interface Expired extends MailFact {
  readonly event: "expired";
  readonly recipients: readonly Address[];
  readonly reason: string;
  readonly delay: number;
}

/** Parked by policy, or by an operator. */
export interface Held extends MailFact {
  readonly event: "held";
  readonly by?: "operator";
  readonly reason: string;
}

/** May go out at once on an operator's word: it was held (`release`), or waited or was given up (`retry`). */
export interface Released extends MailFact {
  readonly event: "released";
  readonly by: "operator";
  readonly verb: "release" | "retry";
}

/** Policy was run on it again and decided otherwise: from now on it goes out like this. */
export interface Repolicied extends MailFact {
  readonly event: "repolicied";
  readonly by: "operator";
  readonly from: string;
  readonly class: "urgent" | "bulk";
  readonly was: {
    readonly account: string | null;
    readonly envelope: string;
    readonly from: string;
    readonly class: "urgent" | "bulk";
  };
  readonly rule: string;
  readonly why: string;
  /** Why policy parks it, if it does. */
  readonly hold?: string;
}

/** Its file goes although not everybody got it: it was bounced long ago, or an operator says so. */
export interface Deleted extends MailFact {
  readonly event: "deleted";
  readonly by?: "operator";
  readonly reason: string;
}

/** All recipients are settled and the spool file goes: what "a job without a file" is checked against. */
export interface Finished extends MailFact {
  readonly event: "finished";
}

export type Fact =
  | Accepted
  | Rejected
  | Delivered
  | Deferred
  | Bounced
  | GivenUp
  | Expired
  | Held
  | Released
  | Repolicied
  | Deleted
  | Finished;
