/**
 * Every reply the listener gives, in one place.
 *
 * Promises: each refusal carries an enhanced code (RFC 3463) and a sentence that tells the owner of the
 * program what to do; a line stays within RFC 5321 §4.5.3.1.5's 512 octets.
 * Refuses to decide anything: callers pick the row.
 */
import { type EnhancedCode, type Reply, reply, visible } from "../mail/reply.ts";

// RFC 5321 §4.5.3.1.5: 512 octets with code and CRLF; "550 5.7.1 " and CRLF take up to 14 of them.
const TEXT_MAX = 490;

function say(code: number, enhanced: EnhancedCode, text: string): Reply {
  return reply(code, enhanced, text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX - 3)}...` : text);
}

// Positive replies.

export const senderOk: Reply = say(250, "2.1.0", "sender noted, the decision falls after DATA");
export const recipientOk: Reply = say(250, "2.1.5", "recipient noted");

export function queued(id: string): Reply {
  return say(250, "2.0.0", `queued as ${id}`);
}

// At connect.

export function clientNotAllowed(ip: string): Reply {
  return say(
    554,
    "5.7.1",
    `client ${ip} may not send here; add its address to listen.clients in sluice's configuration`,
  );
}

export function tooManyConnections(max: number): Reply {
  return say(421, "4.3.2", `all ${max} connections are in use (listen.maxConnections); try again shortly`);
}

export const shuttingDown: Reply = say(421, "4.3.2", "sluice is shutting down; try again shortly");

// For what is no mail session.

export function foreignProtocol(what: string): Reply {
  return say(421, "4.7.0", `this port speaks plain SMTP only, not ${what}; closing the connection`);
}

export const commandTooLong: Reply = say(421, "4.7.0", "command line too long; closing the connection");

export const tooManyErrors: Reply = say(421, "4.7.0", "too many refused commands in one session; closing it");

export function tooSlow(what: string): Reply {
  return say(421, "4.4.2", `${what}; closing the connection, send the message again`);
}

export const idleTooLong: Reply = tooSlow("nothing was said for too long");

// Sequence and syntax.

export function outOfOrder(remedy: string): Reply {
  return say(503, "5.5.1", remedy);
}

export function badSender(problem: string): Reply {
  return say(
    501,
    "5.1.7",
    `sender address not understood: ${visible(problem, 300)}; write MAIL FROM:<user@example.com>`,
  );
}

export function badRecipient(problem: string): Reply {
  return say(
    501,
    "5.1.3",
    `recipient address not understood: ${visible(problem, 300)}; write RCPT TO:<user@example.com>`,
  );
}

export function unknownParameter(command: "MAIL" | "RCPT", parameter: string): Reply {
  return say(555, "5.5.4", `${command} parameter ${visible(parameter, 100)} is not known here; leave it out`);
}

export function badSizeParameter(value: string): Reply {
  return say(501, "5.5.4", `SIZE=${visible(value, 100)} is not a number of bytes`);
}

// Envelope.

export function tooManyRecipients(max: number): Reply {
  return say(
    452,
    "4.5.3",
    `a message may have ${max} recipients (limits.recipients); send it again to the others`,
  );
}

export function recipientOutside(recipients: readonly string[], account?: string): Reply {
  const who =
    recipients.length > 3
      ? `${recipients.slice(0, 3).join(", ")} and ${recipients.length - 3} more`
      : recipients.join(", ");
  const key =
    account === undefined
      ? "any account's recipients.allowDomains"
      : `recipients.allowDomains of account ${account}`;
  return say(550, "5.7.1", `${visible(who, 300)} not in ${key}; mail there is not allowed`);
}

// The message.

export function tooBig(size: { sizeBytes: number; limitBytes: number }): Reply {
  return say(
    552,
    "5.3.4",
    `message of ${size.sizeBytes} bytes is too big: it must stay below ${size.limitBytes} bytes (limits.messageSize)`,
  );
}

export function senderRefused(why: string): Reply {
  return say(550, "5.7.1", visible(why, 470));
}

export function malformed(problem: string): Reply {
  return say(554, "5.6.0", visible(problem, 470));
}

export function tooManyHops(hops: number, max: number): Reply {
  return say(
    554,
    "5.4.6",
    `message has ${hops} Received fields, ${max} are taken for a mail loop (limits.hops); look for a forwarding loop`,
  );
}

// What we cannot do just now.

export function noRoom(reason: "disk-low" | "queue-full"): Reply {
  const what =
    reason === "disk-low" ? "the disk is nearly full (limits.freeDisk)" : "the queue is full (limits.queue)";
  return say(452, "4.3.1", `${what}; try again later`);
}

export const uploadsFull: Reply = say(
  452,
  "4.3.1",
  "too many bytes are being sent at once (limits.uploads); try again shortly",
);

export const internalError: Reply = say(451, "4.3.0", "internal error; try again later");

export const spoolNotWritable: Reply = say(451, "4.3.0", "sluice cannot write its spool; try again later");

/** What a failed `Custody.accept` means to the client: never 250. */
export function spoolFailed(error: unknown): Reply {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const full = code === "ENOSPC" || code === "EDQUOT";
  return full ? say(452, "4.3.1", "the disk of the spool is full; try again later") : spoolNotWritable;
}

// RFC 3463 wants a code in every reply of ours; these are smtp-server's own sentences, by their exact text.
const LIBRARY: ReadonlyMap<string, Reply> = new Map([
  ["Error: send HELO/EHLO first", outOfOrder("say EHLO or HELO with the client's name first")],
  ["Error: command not recognized", say(500, "5.5.1", "command not known here")],
  [
    "Error: too many unrecognized commands",
    say(421, "4.7.0", "too many unknown commands; closing the connection"),
  ],
  ["Error: Command line too long", commandTooLong],
  ["Timeout - closing connection", idleTooLong],
  ["Error: internal server error", internalError],
  ["Error: Bad hostname syntax", say(501, "5.5.4", "host name not understood")],
  ["Error: syntax: EHLO hostname", say(501, "5.5.4", "write EHLO and one host name")],
  ["Error: Syntax: HELO hostname", say(501, "5.5.4", "write HELO and one host name")],
  ["Error: Syntax: VRFY address", say(501, "5.5.4", "write VRFY and an address")],
  ["OK", say(250, "2.0.0", "ok")],
  ["Flushed", say(250, "2.0.0", "transaction forgotten")],
  ["Bye", say(221, "2.0.0", "bye")],
  ["See https://tools.ietf.org/html/rfc5321 for details", say(214, "2.0.0", "see RFC 5321")],
  // RFC 5321 §3.5.3: a server that does not verify addresses says 252.
  [
    "Try to send something. No promises though",
    say(252, "2.0.0", "addresses are not verified; send and see"),
  ],
]);

/** Our words for one of smtp-server's own replies; undefined when we have none. */
export function inOurWords(libraryText: string): Reply | undefined {
  return LIBRARY.get(libraryText);
}
