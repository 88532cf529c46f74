/**
 * Which senders the simulator lets through: known pairs of (envelope sender, header From), as the relay
 * service has them.
 *
 * Promises: reads the head with mailparser, not with our own code, so that a mistake of ours shows up here.
 * Refuses, when pairs are given, everything but exactly one From field with exactly one mailbox.
 */
import { domainToASCII } from "node:url";
import { simpleParser } from "mailparser";

/** (envelope sender, header From), as addresses. */
export interface SenderPair {
  readonly envelope: string;
  readonly header: string;
}

/** What the head says, for the record and for the check; texts are as the parser decoded them. */
export interface HeadFacts {
  readonly headerFrom: string;
  readonly subject?: string;
  readonly messageId?: string;
  /** Why the From field can never be in a pair. */
  readonly problem?: string;
}

/** mailparser's address parser is quadratic: never feed it more. */
export const MAX_HEAD_BYTES = 100_000;
const CRLF = Buffer.from("\r\n");

/** The head with its empty line, or undefined when it is longer than the limit. */
export function headOf(message: Buffer): Buffer | undefined {
  if (message.subarray(0, 2).equals(CRLF)) return message.subarray(0, 2);
  const end = message.indexOf("\r\n\r\n");
  const head = end === -1 ? message : message.subarray(0, end + 4);
  return head.length <= MAX_HEAD_BYTES ? head : undefined;
}

/** Reads From, Subject and Message-ID. */
export async function readHead(head: Buffer): Promise<HeadFacts> {
  const mail = await simpleParser(head);
  const fields = mail.headerLines.filter(({ key }) => key === "from").length;
  const mailboxes = mail.from?.value ?? [];
  const address = mailboxes[0]?.address ?? "";
  const problem =
    fields !== 1
      ? `the head has ${fields} From fields, not one`
      : mailboxes.length !== 1 || address === ""
        ? "From is not one plain mailbox"
        : undefined;
  return {
    headerFrom: address,
    ...(mail.subject === undefined ? {} : { subject: mail.subject }),
    ...(mail.messageId === undefined ? {} : { messageId: mail.messageId }),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** Whether `sender` is the envelope half of a known pair; with no pairs given, every sender is known. */
export function isKnownEnvelope(pairs: readonly SenderPair[] | undefined, sender: string): boolean {
  return pairs?.some((pair) => isSame(pair.envelope, sender)) ?? true;
}

/** Whether (sender, header From) is a known pair; with no pairs given, every one is. */
export function isKnownPair(
  pairs: readonly SenderPair[] | undefined,
  sender: string,
  headerFrom: string,
): boolean {
  return pairs?.some((pair) => isSame(pair.envelope, sender) && isSame(pair.header, headerFrom)) ?? true;
}

/** RFC 5321 §2.4: the domain in either case, the local part as it is. */
function isSame(a: string, b: string): boolean {
  return normal(a) === normal(b);
}

function normal(address: string): string {
  const at = address.lastIndexOf("@");
  const domain = address.slice(at + 1);
  return `${address.slice(0, at + 1)}${(domainToASCII(domain) || domain).toLowerCase()}`;
}
