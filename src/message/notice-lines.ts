/**
 * The lines of a notice: strangers' text made plain, sentences wrapped, fields folded, and the fields on top.
 *
 * Promises: printable ASCII only, so that a notice needs no 8BITMIME; nothing that is given here can end a line or
 * begin a field; lines of 76 characters unless one word or address is longer, and none over 998 (RFC 5322 §2.1.1)
 * as long as words are, which `plain` sees to.
 * Refuses (throws on) a notice id or host name that is none: that is a bug, not mail.
 */
import { type Address, isDomain } from "../mail/address.ts";
import { visible } from "../mail/reply.ts";
import { dateTime } from "./date.ts";

const WIDTH = 76;

/** A stranger's text on one line: `visible`, single spaces, cut at `max` characters with an ASCII ellipsis. */
export function plain(text: string, max = 512): string {
  const ascii = visible(text.replaceAll("…", "..."), Number.POSITIVE_INFINITY);
  const flat = ascii.replace(/ +/g, " ").trim();
  return flat.length > max ? `${flat.slice(0, max - 3)}...` : flat;
}

/** An address as it is: its spaces (in a quoted local part) count. Never blank: a folded line must not be. */
export function plainAddress(address: string): string {
  return visible(address, Number.POSITIVE_INFINITY).trim().slice(0, 512).trim() || "?";
}

/** Lines of words, every one after `indent`. */
export function wrap(text: string, indent = ""): string[] {
  return fill(plain(text, 4096).split(" "), indent, indent);
}

/** A field of these tokens, folded between them only. */
export function fieldLines(name: string, tokens: readonly string[]): string[] {
  // The first token stays with the name: a line with the name alone is lawful, but misread.
  const [first = "", ...rest] = tokens;
  return fill([`${name}: ${first}`, ...rest], "", " ");
}

function fill(tokens: readonly string[], firstIndent: string, indent: string): string[] {
  const lines: string[] = [];
  let line: string | undefined;
  for (const token of tokens) {
    if (line !== undefined && line.length + 1 + token.length <= WIDTH) line = `${line} ${token}`;
    else {
      if (line !== undefined) lines.push(line);
      line = (lines.length === 0 ? firstIndent : indent) + token;
    }
  }
  return line === undefined ? lines : [...lines, line];
}

/** What is on top of every notice, whatever its kind. */
export interface NoticeHead {
  /** Queue id of the notice itself. */
  readonly noticeId: string;
  readonly hostname: string;
  readonly date: Date;
  /** Header From; the display name is ours. */
  readonly from: Address;
  readonly to: Address;
}

/** The fields up to `MIME-Version`. `about`: the Message-ID that is reported on, another's text. */
export function noticeFields(head: NoticeHead, subject: string, about?: string): string[] {
  const { noticeId, hostname, date, from, to } = head;
  if (!/^[A-Za-z0-9._-]{1,40}$/.test(noticeId))
    throw new Error(`Cannot write a notice as its id is malformed: current value is ${noticeId}`);
  if (!isDomain(hostname))
    throw new Error(`Cannot write a notice as the host name is malformed: current value is ${hostname}`);
  const thread = about !== undefined && isPlainMessageId(about) ? [about] : [];
  return [
    ...fieldLines("Date", [dateTime(date)]),
    ...fieldLines("From", ["Mail Delivery System", `<${plainAddress(from)}>`]),
    ...fieldLines("To", [plainAddress(to)]),
    ...fieldLines("Subject", subject.split(" ")),
    ...fieldLines("Message-ID", [`<${noticeId}@${hostname}>`]),
    // RFC 3834 §3.1.6
    ...thread.flatMap((id) => [...fieldLines("In-Reply-To", [id]), ...fieldLines("References", [id])]),
    // RFC 3834 §5: an answer by a program, so that no other program answers it
    "Auto-Submitted: auto-replied",
    "MIME-Version: 1.0",
  ];
}

/**
 * RFC 5322 §3.6.4 msg-id without its obsolete and quoted forms, and without what looks like an encoded word: it may
 * stand in a field of ours.
 */
function isPlainMessageId(text: string): boolean {
  const atoms = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+";
  return text.length <= 512 && !text.includes("=?") && new RegExp(`^<${atoms}@${atoms}>$`).test(text);
}

/** Lines as bytes, the last one ended too. */
export function toBytes(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join("\r\n")}\r\n`, "latin1");
}
