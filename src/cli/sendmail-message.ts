/**
 * The message on stdin: read to its end before a byte of it goes anywhere, so that a program that is stopped halfway
 * sends nothing; then its recipients, and its bytes as DATA wants them.
 *
 * Promises: memory is bounded by the largest message that the agent takes; the bytes stay as the program wrote them, but
 * for line ends (CRLF), stuffed dots, and a From field when -F gives a name for one that is missing. What a message
 * lacks, and what must not go out (Bcc), is the agent's to see to.
 */
import { type AddressListResult, parseAddressList } from "../mail/address-list.ts";
import { isSafeName, toPhrase } from "../mail/display-name.ts";
import type { Head, HeadState } from "../mail/head.ts";
import { MessageReader } from "../mail/reader.ts";
import { bytesOf, type Sender } from "./sendmail-sender.ts";

/** `bytes`: as they came, without the lone dot; only the first of them when there are more than was allowed. */
export interface Input {
  readonly bytes: Buffer;
  readonly sizeBytes: number;
}

/** A line with only a dot, after the line end before it. */
const LONE_DOT = /\n\.\r?\n/;
const LONE_DOT_MAX = 4;

/** Reads to the end, or to a line with only a dot. Rejects when the input cannot be read. */
export async function readInput(
  input: AsyncIterable<Buffer>,
  { dots, maxBytes }: { readonly dots: "text" | "end"; readonly maxBytes: number },
): Promise<Input> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  let before = "\n"; // the last bytes so far: the dot's line may be cut in two
  for await (const piece of input) {
    if (sizeBytes < maxBytes) pieces.push(piece);
    sizeBytes += piece.length;
    const seen = before + piece.toString("latin1");
    const dot = dots === "end" ? LONE_DOT.exec(seen) : null;
    if (dot) {
      sizeBytes -= seen.length - (dot.index + 1);
      break;
    }
    before = seen.slice(1 - LONE_DOT_MAX);
  }
  return { bytes: Buffer.concat(pieces).subarray(0, sizeBytes), sizeBytes };
}

/** The head of a message in any bytes. */
export function headOf(bytes: Buffer): Exclude<HeadState, { kind: "reading" }> {
  const reader = new MessageReader();
  reader.push(bytes);
  reader.end();
  const { head } = reader;
  if (head.kind === "reading") throw new Error("Cannot leave a head unread after its end");
  return head;
}

/** RFC 5322 §3.6.6: a message that is sent on goes to whom the Resent- fields name, not to whom it went to before. */
export function recipientsIn({ fields }: Head): AddressListResult {
  const resent = fields.some(({ name }) => name.startsWith("resent-"));
  const names = ["to", "cc", "bcc"].map((name) => (resent ? `resent-${name}` : name));
  const recipients: string[] = [];
  for (const field of fields) {
    if (!names.includes(field.name)) continue;
    const read = parseAddressList(field.value());
    if (!read.ok) return read;
    recipients.push(...read.recipients);
  }
  return { ok: true, recipients };
}

/** The message with the From that -F asks for, when it has none; the agent makes every other one. */
export function withFullName(bytes: Buffer, fullName: string, sender: Sender): Buffer {
  const state = headOf(bytes);
  const name = toPhrase(bytesOf(fullName.trim()));
  if (state.kind === "refused" || sender === "" || fullName.trim() === "" || !isSafeName(name, sender))
    return bytes;
  const { head } = state;
  if (head.fields.some((field) => field.name === "from")) return bytes;
  // A mailbox file's line stays first; text without any head gets the empty line that keeps it text.
  const start = head.mboxLine === undefined ? 0 : bytes.indexOf("\n") + 1;
  const from = `From: ${name} <${sender}>\n${head.fields.length > 0 || head.separated ? "" : "\n"}`;
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(from, "latin1"), bytes.subarray(start)]);
}

const LF = 0x0a;
const PIECE_BYTES = 1_000_000;

/**
 * RFC 5321 §2.3.8, §4.5.2: every line ends with CRLF, and one more dot before each that begins a line; the final dot's
 * line last. Bare CR and NUL go as they are: what they mean the agent decides.
 */
export function* wirePieces(message: Buffer): Generator<Buffer> {
  for (let start = 0; start < message.length; ) {
    const lf = message.indexOf(LF, start + PIECE_BYTES - 1);
    const end = lf < 0 ? message.length : lf + 1;
    yield wireLines(message.subarray(start, end));
    start = end;
  }
  yield Buffer.from(".\r\n");
}

/** `bytes` begin where a line does. */
function wireLines(bytes: Buffer): Buffer {
  const text = bytes.toString("latin1").replace(/\r?\n/g, "\r\n");
  const whole = text.endsWith("\r\n") ? text : `${text}\r\n`;
  return Buffer.from(whole.replace(/^\./, "..").replaceAll("\r\n.", "\r\n.."), "latin1");
}
