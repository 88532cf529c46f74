/**
 * Trace information: the Received field that we put on top, and those that are there.
 *
 * Promises: the field is ASCII, folded, and holds nothing of the client's that is not a plain domain or
 * address literal. The HELO name is hostile: when it is anything else, the client's IP stands in its place.
 * Refuses (throws on) a queue id that is not one: that is a bug, not mail.
 */
import { isIP } from "node:net";
import { isDomain } from "../mail/address.ts";
import type { Head } from "../mail/head.ts";
import { dateTime } from "./date.ts";

export interface ReceivedFacts {
  /** Peer address as Node has it; empty for a unix socket. */
  readonly clientIp: string;
  /** What the client said in HELO or EHLO, unchecked. */
  readonly helo: string;
  readonly hostname: string;
  readonly id: string;
  readonly protocol: "SMTP" | "ESMTP";
  readonly date: Date;
}

/** RFC 5321 §4.4: the whole field, folded, without the final CRLF. */
export function receivedField({ clientIp, helo, hostname, id, protocol, date }: ReceivedFacts): string {
  if (!/^[A-Za-z0-9._-]+$/.test(id))
    throw new Error(`Cannot write Received as the queue id is malformed: current value is ${id}`);
  const client = addressLiteral(clientIp);
  const name = isDomain(helo) ? helo : (client ?? "localhost");
  const from = client === undefined ? name : `${name} (${client})`;
  return `Received: from ${from}\r\n\tby ${hostname} with ${protocol} id ${id};\r\n\t${dateTime(date)}`;
}

/** RFC 5321 §4.1.3; an IPv4 address that came through an IPv6 socket is written as IPv4. */
function addressLiteral(ip: string): string | undefined {
  const plain = ip.replace(/^::ffff:(?=[\d.]+$)/i, "").replace(/%.*$/, "");
  switch (isIP(plain)) {
    case 4:
      return `[${plain}]`;
    case 6:
      return `[IPv6:${plain}]`;
    default:
      return undefined;
  }
}

/** RFC 5321 §6.3: Received fields counted, to stop a mail loop. */
export function countHops(head: Head): number {
  return head.fields.filter((field) => field.name === "received").length;
}
