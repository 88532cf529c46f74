/**
 * What came of an attempt, as values that go into the spool file and are read back.
 *
 * A failure says where the dialogue with the upstream stood, what was answered (verbatim, made visible)
 * or, without an answer, what broke. It never says whose fault that is: `verdict.ts` does, once, when the
 * result is made, and the verdict is stored beside it, so that a later version with another table cannot
 * turn a settled recipient into a pending one.
 */
import type { Address } from "../mail/address.ts";

/**
 * Where the dialogue stood. `body`: the answer to DATA is there, the bytes are not all out;
 * `dot`: the final dot is said, its reply is awaited.
 */
export type Stage = (typeof STAGES)[number];

/** In the order they come. With STARTTLS, `greeting` and a first `ehlo` come before `tls`. */
export const STAGES = [
  "dns",
  "connect",
  "tls",
  "greeting",
  "ehlo",
  "auth",
  "mail",
  "rcpt",
  "data",
  "body",
  "dot",
] as const;

/** A reply of the upstream. `text` is all of it, codes included, one line, visible, cut at 512. */
export interface UpstreamReply {
  /** Three digits, RFC 5321 §4.2; 0 when the upstream said something that is no reply. */
  readonly code: number;
  /** RFC 2034, RFC 3463 §2. */
  readonly enhanced?: string;
  readonly text: string;
}

/** Causes of our own making; `Failure.cause` otherwise holds a system, certificate or nodemailer code. */
export const CAUSE = {
  /** 8-bit message, upstream without 8BITMIME. */
  eightBit: "EIGHTBIT",
  /** Larger than the SIZE the upstream announced. */
  tooBig: "TOOBIG",
  /** An address that cannot be said to the upstream. */
  address: "BADADDRESS",
  /** The message could not be read from our own disk, or is not as long as it should be. */
  body: "BODYUNREADABLE",
  /** AUTH was not offered after TLS, or with no mechanism we speak. */
  noAuth: "NOAUTH",
  /** The upstream does not keep to the protocol. */
  protocol: "EPROTOCOL",
  timeout: "ETIMEDOUT",
  /** We stopped it ourselves. */
  aborted: "ABORTED",
} as const;

export interface Failure {
  readonly stage: Stage;
  readonly reply?: UpstreamReply;
  /** Why there is no reply: ECONNREFUSED, ETIMEDOUT, a certificate code, one of `CAUSE`. */
  readonly cause?: string;
  /** Enhanced status code of a failure made here, without asking the upstream (RFC 3463). */
  readonly status?: string;
  /** One sentence for people. */
  readonly text: string;
}

/** Whom a failure blames and what that means for the recipients it struck. */
export interface Verdict {
  readonly scope: "recipient" | "message" | "pair" | "session" | "upstream" | "account";
  readonly action: "defer" | "bounce";
  /** One sentence. */
  readonly why: string;
  /** Those who are left may be sent to at once, in a transaction of their own. */
  readonly soon?: true;
}

/** A verdict in one word or two, as tables write it. By type: only a message and a recipient can bounce. */
export type Cell =
  | `${Verdict["scope"]} defer`
  | "recipient defer soon"
  | "message bounce"
  | "recipient bounce";

export type RecipientResult =
  | { readonly recipient: Address; readonly status: "delivered"; readonly reply: UpstreamReply }
  | {
      readonly recipient: Address;
      readonly status: "failed";
      readonly failure: Failure;
      readonly verdict: Verdict;
    };
