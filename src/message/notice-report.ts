/**
 * The part of a notice that programs read: message/delivery-status, RFC 3464 §2.
 *
 * Promises: one group of fields for the message and one for each recipient, in their order; 7-bit, as §2 demands;
 * a reply's words on folded lines, never able to end their field.
 * Refuses (throws on) a report about nobody: §2.3 wants one recipient at least, and to make one is a bug.
 */
import { isIP } from "node:net";
import { isDomain } from "../mail/address.ts";
import type { EnhancedCode } from "../mail/reply.ts";
import { dateTime } from "./date.ts";
import { fieldLines, plain, plainAddress } from "./notice-lines.ts";

/** Somebody who did not get the message. */
export interface NoticeRecipient {
  readonly address: string;
  /** statusOf()'s. */
  readonly status: EnhancedCode;
  /** The upstream's words, codes included; missing when it was never asked or did not answer. */
  readonly reply?: string | undefined;
  /** One sentence; may be the reply once more, which is then not said twice. */
  readonly reason: string;
  /** Who said `reply`: a host name, or `host[ip]:port` as attempts are recorded. */
  readonly remoteMta?: string | undefined;
  readonly lastAttempt?: Date | undefined;
}

export interface ReportFacts {
  readonly kind: "failure" | "delay";
  readonly hostname: string;
  readonly original: { readonly acceptedAt: Date };
  readonly recipients: readonly NoticeRecipient[];
  /** Delay notices: when it would be given up. */
  readonly retryUntil?: Date | undefined;
}

// All replies of a notice together; a thousand recipients must not make a thousand long quotations.
const REPLIES_MAX = 16_000;
const REPLY_MAX = 512;
const REPLY_MIN = 100;

/** How many characters of each reply there is room for. */
export function replyRoom({ recipients }: Pick<ReportFacts, "recipients">): number {
  const share = Math.floor(REPLIES_MAX / recipients.length);
  return Math.min(REPLY_MAX, Math.max(REPLY_MIN, share));
}

/** The part's content, groups divided by an empty line. */
export function reportLines(facts: ReportFacts): string[] {
  if (facts.recipients.length === 0) throw new Error("Cannot write a notice as it is about no recipient");
  return [
    // RFC 3464 §2.2.2, §2.2.5. No Original-Envelope-Id (§2.2.1): the listener does not offer ENVID.
    ...fieldLines("Reporting-MTA", ["dns;", facts.hostname]),
    ...fieldLines("Arrival-Date", [dateTime(facts.original.acceptedAt)]),
    ...facts.recipients.flatMap((recipient) => ["", ...recipientLines(recipient, facts)]),
  ];
}

function recipientLines(recipient: NoticeRecipient, facts: ReportFacts): string[] {
  const { address, status, reply, remoteMta, lastAttempt } = recipient;
  const remote = remoteMta === undefined ? undefined : mtaName(remoteMta);
  const words = reply === undefined ? "" : plain(reply, replyRoom(facts));
  const optional = (name: string, tokens: readonly string[] | undefined) =>
    tokens === undefined ? [] : fieldLines(name, tokens);
  return [
    ...fieldLines("Final-Recipient", ["rfc822;", plainAddress(address)]), // RFC 3464 §2.3.2
    ...fieldLines("Action", [facts.kind === "failure" ? "failed" : "delayed"]), // §2.3.3
    ...fieldLines("Status", [plain(status)]), // §2.3.4
    ...optional("Remote-MTA", remote === undefined ? undefined : ["dns;", remote]), // §2.3.5
    // §2.3.6: the words of the remote MTA; none of ours in their place
    ...optional("Diagnostic-Code", words === "" ? undefined : ["smtp;", ...words.split(" ")]),
    ...optional("Last-Attempt-Date", lastAttempt && [dateTime(lastAttempt)]), // §2.3.7
    // §2.3.9: for delayed recipients only
    ...optional(
      "Will-Retry-Until",
      facts.kind === "delay" && facts.retryUntil ? [dateTime(facts.retryUntil)] : undefined,
    ),
  ];
}

/** RFC 3464 §2.1.2: a domain, or an address in brackets. Undefined for what is neither. */
function mtaName(text: string): string | undefined {
  const name = /^(.+?)(?:\[[^[\]]*\])?(?::\d+)?$/.exec(text)?.[1] ?? "";
  if (isIP(text) !== 0) return bracketed(text);
  if (isIP(name) !== 0) return bracketed(name);
  return isDomain(name) ? name : undefined;
}

function bracketed(ip: string): string {
  return isIP(ip) === 6 ? `[IPv6:${ip}]` : `[${ip}]`; // RFC 5321 §4.1.3
}
