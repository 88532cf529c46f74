/**
 * A digest: one plain message that stands for the failures that could not have a notice each.
 *
 * Promises: the same bytes for the same facts; 7-bit, CRLF; the count of all, samples of at most fifty, and how to see
 * the rest; the fields of every notice (`notice-lines.ts`), so that nothing answers it.
 * Refuses (throws on) a malformed id or host name: that is a bug. It is no RFC 3464 report: that has one
 * group of per-message fields (§2), and this is about many messages.
 */
import { dateTime } from "./date.ts";
import { type NoticeHead, noticeFields, plain, plainAddress, toBytes, wrap } from "./notice-lines.ts";

/** A message that was given up. */
export interface DigestSample {
  /** Queue id. */
  readonly id: string;
  readonly acceptedAt: Date;
  /** Those who were given up. */
  readonly recipients: readonly string[];
  /** The upstream's words, or a sentence of ours. */
  readonly reason: string;
}

export interface DigestFacts extends NoticeHead {
  /** The oldest failure it stands for is not before. */
  readonly since: Date;
  /** Messages, those beyond the samples too. */
  readonly count: number;
  readonly samples: readonly DigestSample[];
}

const SAMPLES_MAX = 50;
const REASON_MAX = 200;

/** Composes the whole message. */
export function composeDigest(facts: DigestFacts): Buffer {
  const { hostname, date, since, count } = facts;
  const samples = facts.samples.slice(0, SAMPLES_MAX);
  const messages = count === 1 ? "1 message" : `${count} messages`;
  const rest =
    count > samples.length
      ? `Below are ${samples.length} of them. On ${hostname}, this command lists all that are still kept:`
      : `On ${hostname}, this command lists those that are still kept:`;
  return toBytes([
    ...noticeFields(facts, `${messages} could not be delivered`),
    "Content-Type: text/plain; charset=us-ascii",
    "Content-Transfer-Encoding: 7bit",
    "",
    ...wrap(`This is sluice, the mail relay on ${hostname}.`),
    "",
    ...wrap(
      `Between ${dateTime(since)} and ${dateTime(date)}, ${messages} could not be delivered to some or all recipients. There were too many to write a notice about each.`,
    ),
    "",
    ...wrap(rest),
    "",
    "  sluice queue list --state bounced",
    "",
    ...samples.flatMap(sampleLines),
    "This digest was written by a program.",
  ]);
}

function sampleLines({ id, acceptedAt, recipients, reason }: DigestSample): string[] {
  const [first = "-", ...others] = recipients;
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  // The day and the minute are enough to find it by, and keep the columns narrow.
  const accepted = acceptedAt.toISOString().slice(0, 16).replace("T", " ");
  return [
    `  ${plain(id, 40).padEnd(14)}  ${accepted}Z  ${plainAddress(first)}${more}`,
    ...wrap(plain(reason, REASON_MAX), "    "),
    "",
  ];
}
