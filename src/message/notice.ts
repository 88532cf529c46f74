/**
 * A delivery status notification as bytes: what a sender gets when mail was given up, or is late (RFC 3464).
 *
 * multipart/report (RFC 6522 §3) with three parts: plain words for people, message/delivery-status for programs,
 * the header of the original. Its body is never returned: it may be private, and the message is kept anyway.
 * Promises: the same bytes for the same facts; 7-bit, CRLF, no line over 998; one group for each recipient; no
 * field, part or line that a reply, an address, a Message-ID or the original head could smuggle in. About 50 KB at
 * most, and some hundred bytes for each recipient.
 * Refuses (throws on) a notice about nobody, and a malformed id or host name: those are bugs.
 */
import { dateTime } from "./date.ts";
import { type ReturnedHead, returnedHead } from "./notice-head.ts";
import {
  fieldLines,
  type NoticeHead,
  noticeFields,
  plain,
  plainAddress,
  toBytes,
  wrap,
} from "./notice-lines.ts";
import { type NoticeRecipient, type ReportFacts, replyRoom, reportLines } from "./notice-report.ts";

export interface NoticeFacts extends NoticeHead, ReportFacts {
  readonly original: {
    /** Queue id. */
    readonly id: string;
    readonly acceptedAt: Date;
    /** Envelope sender it went out with. */
    readonly sender: string;
    /** `<…>`, another's text. */
    readonly messageId: string;
    /** As it goes out; what follows its empty line, if anything, is left out. */
    readonly head: Buffer;
  };
  /** Failure notices: how long the message can still be looked at and tried again. */
  readonly keptUntil?: Date | undefined;
}

/** People get this many names; the second part has all of them. */
const NAMES_MAX = 50;

const SUBJECT = {
  failure: "Your message could not be delivered",
  delay: "Your message is delayed",
} as const;

/** Composes the whole message. */
export function composeNotice(facts: NoticeFacts): Buffer {
  const { kind, noticeId, original } = facts;
  const report = reportLines(facts);
  const head = returnedHead(original.head);
  // RFC 2045 §6.7: `=_` cannot be in quoted-printable; no line of the other parts begins with dashes.
  const boundary = `=_${noticeId}`;
  const part = (fields: readonly string[], content: readonly string[]) => [
    `--${boundary}`,
    ...fields,
    "",
    ...content,
    "",
  ];
  return toBytes([
    ...noticeFields(facts, SUBJECT[kind], original.messageId),
    ...fieldLines("Content-Type", [
      "multipart/report;",
      "report-type=delivery-status;",
      `boundary="${boundary}"`,
    ]),
    "",
    ...part(
      ["Content-Type: text/plain; charset=us-ascii", "Content-Transfer-Encoding: 7bit"],
      letter(facts, head),
    ),
    ...part(["Content-Type: message/delivery-status", "Content-Transfer-Encoding: 7bit"], report),
    // RFC 6522 §4: quoted-printable for headers that are not lawful 7-bit text
    ...part(["Content-Type: text/rfc822-headers", `Content-Transfer-Encoding: ${head.encoding}`], head.lines),
    `--${boundary}--`,
  ]);
}

/** The part for people. */
function letter(facts: NoticeFacts, head: ReturnedHead): string[] {
  const { kind, hostname, original } = facts;
  const returned =
    head.extent === "whole" ? "Its header is attached" : "The beginning of its header is attached";
  return [
    ...wrap(`This is sluice, the mail relay on ${hostname}.`),
    "",
    ...wrap(kind === "failure" ? failureOpening(facts) : delayOpening(facts)),
    "",
    ...facing("Queue id", original.id),
    ...facing("Accepted", dateTime(original.acceptedAt)),
    ...facing("Sender", original.sender),
    ...facing("Message-ID", original.messageId),
    "",
    ...recipientParagraphs(facts),
    ...(kind === "failure" ? failureAdvice(facts) : delayAdvice(facts)),
    "",
    ...wrap(`${returned}, its body is not. This notice was written by a program.`),
  ];
}

function failureOpening({ recipients }: NoticeFacts): string {
  const whom = recipients.length === 1 ? "this recipient" : `these ${recipients.length} recipients`;
  return `Your message could not be delivered to ${whom}, and will not be tried again by itself:`;
}

function delayOpening({ recipients, retryUntil }: NoticeFacts): string {
  const whom = recipients.length === 1 ? "this recipient" : `these ${recipients.length} recipients`;
  const until = retryUntil ? ` until ${dateTime(retryUntil)}` : "";
  return `Your message has not been delivered to ${whom} yet. You need not do anything: it is tried again by itself${until}. Should it have to be given up, another notice will say so.`;
}

function facing(name: string, value: string): string[] {
  return [`  ${`${name}:`.padEnd(13)}${plain(value)}`];
}

/** Those of whom the same is to be said stand together: a message refused as a whole strikes all alike. */
function recipientParagraphs(facts: NoticeFacts): string[] {
  const { recipients } = facts;
  const groups = new Map<string, NoticeRecipient[]>();
  for (const one of recipients.slice(0, NAMES_MAX)) {
    const key = JSON.stringify([one.status, one.reply, one.reason]);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const paragraphs = [...groups.values()].flatMap((group) => [
    ...group.map(({ address }) => `  ${plainAddress(address)}`),
    ...explanation(group[0]!, replyRoom(facts)),
    "",
  ]);
  const left = recipients.length - NAMES_MAX;
  if (left <= 0) return paragraphs;
  return [...paragraphs, ...wrap(`and ${left} more; the report attached to this notice has all.`, "  "), ""];
}

function explanation({ status, reply, reason }: NoticeRecipient, room: number): string[] {
  const words = plain(reply ?? "", room);
  const ours = plain(reason, room);
  const own = ours === words ? [] : wrap(`${ours} (${plain(status)})`, "    ");
  if (words === "") return own;
  return [...own, ...wrap("The relay service said, word for word:", "    "), ...wrap(words, "      ")];
}

function failureAdvice({ hostname, original, keptUntil }: NoticeFacts): string[] {
  const kept = keptUntil
    ? `The message is kept until ${dateTime(keptUntil)}.`
    : "The message is kept for a while.";
  return [
    ...wrap(
      "What to do: if an address is wrong, correct it where it came from and send the message again. If the message itself was refused, the words above say why. If it could not be delivered in time, or the cause has been mended since, the same message can be tried again.",
    ),
    "",
    ...wrap(`${kept} On ${hostname}, these commands show it and try it again:`),
    "",
    `  sluice queue show ${plain(original.id)}`,
    `  sluice queue retry ${plain(original.id)}`,
  ];
}

function delayAdvice({ hostname, original }: NoticeFacts): string[] {
  return [
    ...wrap(`On ${hostname}, this command shows why it waits and when it is tried next:`),
    "",
    `  sluice queue show ${plain(original.id)}`,
  ];
}
