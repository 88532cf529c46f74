/**
 * The enhanced status code (RFC 3463) that a notice gives for a recipient, for programs that read notices.
 *
 * Promises: class 4 in a delay notice; for what was given up the upstream's own code when its class agrees with its
 * reply, else the one we found ourselves, else the class alone (`5.0.0`). Never decides what a failure means:
 * that is settled when a recipient gets into a notice at all.
 */
import type { EnhancedCode } from "../mail/reply.ts";

export interface StatusFacts {
  readonly kind: "failure" | "delay";
  /** Who gave it up; of no account in a delay notice. */
  readonly by: "upstream" | "age" | "operator";
  /** The upstream's reply code and its enhanced code, if it replied. */
  readonly code?: number | undefined;
  readonly enhanced?: string | undefined;
  /** Of a failure found without asking the upstream. */
  readonly ownStatus?: string | undefined;
}

export function statusOf({ kind, by, code, enhanced, ownStatus }: StatusFacts): EnhancedCode {
  if (kind === "failure") {
    // RFC 3463 §3.5, X.4.7 delivery time expired: class 4, since a later sending may well succeed (§2).
    if (by === "age") return "4.4.7";
    // RFC 3463 §3.8, X.7.0: a person decided, which is policy. X.0.0 would let list programs blame the mailbox.
    if (by === "operator") return "5.7.0";
  }
  const wanted = kind === "delay" ? "4" : (classOfReply(code) ?? classOf(ownStatus) ?? "5");
  for (const one of [enhanced, ownStatus]) {
    if (isEnhanced(one) && one.startsWith(wanted)) return one;
  }
  return `${wanted}.0.0` as EnhancedCode; // RFC 3463 §3.1: only the class is known
}

/** RFC 5321 §4.2.1: the first digit of a reply. */
function classOfReply(code: number | undefined): "4" | "5" | undefined {
  const digit = String(code).charAt(0);
  return digit === "4" || digit === "5" ? digit : undefined;
}

function classOf(status: string | undefined): "4" | "5" | undefined {
  return isEnhanced(status) ? (status.charAt(0) as "4" | "5") : undefined;
}

/** RFC 3463 §2: three numbers without leading zeros; class 2 is no failure's. */
function isEnhanced(text: string | undefined): text is EnhancedCode {
  return text !== undefined && /^[45](?:\.(?:0|[1-9]\d{0,2})){2}$/.test(text);
}
