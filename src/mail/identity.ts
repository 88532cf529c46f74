/**
 * The identities a head claims: From, Sender, and the Resent- fields of the same kind.
 *
 * Promises: a From that is reported is the only one and every reader sees the same address in it; Sender
 * and Resent-* are reported only when they are as plain as that, so that what is not reported can be removed.
 * Refuses a head with two From fields (RFC 5322 §3.6), with a From that is not one plain mailbox, and with
 * a space before its colon: some readers take that for the first line of a mailbox file and skip it.
 */
import type { Address } from "./address.ts";
import type { Field, Head } from "./head.ts";
import { type Mailbox, parseMailbox } from "./mailbox.ts";

export interface Identities {
  readonly from: Mailbox | undefined;
  /** Sender, Resent-From and Resent-Sender fields in canonical form, with the address; one not here must not go out. */
  readonly others: ReadonlyMap<Field, Address>;
}

/** `problem` is a sentence for the reply 554 5.6.0. */
export type IdentitiesResult =
  | { readonly ok: true; readonly identities: Identities }
  | { readonly ok: false; readonly problem: string };

const advice = "it must be one plain mailbox, as in From: Program <program@example.edu>";

/** Reads a head's identities; an address without a domain gets `@hostname`. */
export function readIdentities(head: Head, hostname: string): IdentitiesResult {
  const froms = head.fields.filter((field) => field.name === "from");
  if (froms.length > 1)
    return { ok: false, problem: `the message has ${froms.length} From fields; one is allowed` };
  const field = froms[0];
  if (!field) return { ok: true, identities: { from: undefined, others: readOthers(head) } };
  if (!hasPlainName(field))
    return { ok: false, problem: `the From field has a space before its colon; ${advice}` };
  const from = parseMailbox(field.value(), hostname);
  if (!from.ok) return { ok: false, problem: `the From field ${from.problem}; ${advice}` };
  return { ok: true, identities: { from: from.mailbox, others: readOthers(head) } };
}

function readOthers(head: Head): ReadonlyMap<Field, Address> {
  const others = new Map<Field, Address>();
  const senders = head.fields.filter((field) => field.name === "sender");
  const resents = head.fields.filter(
    (field) => field.name === "resent-from" || field.name === "resent-sender",
  );
  // RFC 5322 §3.6: one Sender at most; of several none can be relied on. Resent- fields may repeat (§3.6.6).
  for (const field of senders.length === 1 ? [...senders, ...resents] : resents) {
    // No host name: an address that would need one is not in canonical form anyway.
    const read = parseMailbox(field.value(), "");
    if (read.ok && read.mailbox.canonical && hasPlainName(field)) others.set(field, read.mailbox.address);
  }
  return others;
}

function hasPlainName(field: Field): boolean {
  return field.raw[field.name.length] === 0x3a;
}
