/**
 * Whom a message that is handed in by hand comes from: what -f says, else the user who calls.
 *
 * Promises: what comes out is fit for MAIL FROM:<…>. The name is the one of the process's user; LOGNAME and USER,
 * which anybody can set, are not asked. It has no domain: the agent adds its own and applies the sender policy.
 */
import { userInfo } from "node:os";
import { parseCommandArgument } from "../mail/address.ts";
import { parseAddressList } from "../mail/address-list.ts";
import { visible } from "../mail/reply.ts";

/** An address, a name without a domain, or empty for the null sender. */
export type Sender = string & { readonly __brand: "Sender" };

/** Reads the value of -f: one address, `Name <address>`, or nothing at all (`-f ""`, `-f "<>"`). */
export function senderOf(text: string): Sender | undefined {
  if (/^\s*(?:<>)?\s*$/.test(text)) return "" as Sender;
  const read = parseAddressList(bytesOf(text));
  return read.ok && read.recipients.length === 1 ? (read.recipients[0] as Sender) : undefined;
}

/** What is wrong with an address of the command line. */
export function addressProblem(option: string, text: string): string {
  const read = parseAddressList(bytesOf(text));
  return `-${option} ${read.ok ? `${visible(text, 100)}: it is not one address` : read.problem}`;
}

/** The user of this process. One without a name, as in some containers, is uid1000. */
export function callingUser(): Sender {
  return senderNamed(userName());
}

/** A login name as a local part; one such as LAB\ann is written in quotes (RFC 5321 §4.1.2). */
export function senderNamed(name: string): Sender {
  const plain = parseCommandArgument(`<${name}>`);
  if (plain.ok && plain.path.kind === "local") return name as Sender;
  return `"${name.replace(/["\\]/g, "\\$&")}"` as Sender;
}

/** An argument as bytes, one latin1 character each, as the head of a message is read. */
export function bytesOf(argument: string): string {
  return Buffer.from(argument).toString("latin1");
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid${process.getuid?.() ?? ""}`;
  }
}
