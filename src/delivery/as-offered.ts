/**
 * A message in the spool, as it was offered when it was accepted: what policy needs to decide on it again.
 *
 * Promises: the head is the one that came, to the byte, and the fields that we added then (Received, Date, Message-ID)
 * are there to be added again as they were. Of a message of an older version, which kept no way back, the head is put
 * together from what it tells: From has the address that came, what was taken out stays out.
 * Refuses (as a sentence) what cannot be put together.
 */
import type { Offered } from "../decision/decide.ts";
import { type Address, parseAddress } from "../mail/address.ts";
import { type Field, type Head, splitHead } from "../mail/head.ts";
import { parseMailbox, writeMailbox } from "../mail/mailbox.ts";
import { dateTime } from "../message/date.ts";
import { restoreHead } from "../message/undo.ts";
import type { EntryChange, StoredEntry } from "../spool/entry.ts";

export interface AsOffered extends Omit<Offered, "recipients"> {
  /** What an older version changed and nobody can change back. */
  readonly lost: readonly EntryChange[];
}

/** `wireHead`: the head on the wire; `hostname` qualifies a sender without a domain. */
export function asOffered(
  entry: StoredEntry,
  wireHead: Buffer,
  hostname: string,
): AsOffered | { readonly problem: string } {
  const sender = senderOf(entry, hostname);
  if (sender === undefined) return { problem: "its envelope sender cannot be read" };
  const parts = entry.undo === undefined ? ofOlderVersion(entry, wireHead) : undone(wireHead, entry.undo);
  if (parts === undefined) return { problem: "an older version accepted it and kept too little of its head" };
  const [received] = parts.ours;
  if (received?.name !== "received") return { problem: "its Received is not where we put it" };
  const ourValue = (name: string) => parts.ours.find((field) => field.name === name)?.value();
  return {
    head: parts.head,
    client: entry.client,
    sender,
    received: received.raw.toString("latin1").replace(/\r\n$/, ""),
    date: ourValue("date") ?? dateTime(new Date(entry.timeMs)),
    messageId: ourValue("message-id") ?? entry.messageId,
    lost: parts.lost,
  };
}

interface Parts {
  readonly head: Head;
  /** The fields that we wrote. */
  readonly ours: readonly Field[];
  readonly lost: readonly EntryChange[];
}

function undone(wireHead: Buffer, undo: NonNullable<StoredEntry["undo"]>): Parts | undefined {
  const { came, ours } = restoreHead(wireHead, undo);
  const head = headOf(came);
  const own = headOf(ours);
  return head && own && { head, ours: own.fields, lost: [] };
}

function ofOlderVersion({ changes, received }: StoredEntry, wireHead: Buffer): Parts | undefined {
  const fields = headOf(wireHead)?.fields ?? [];
  const added = changes.filter(({ was }) => was === undefined).length;
  const [top, ...others] = fields;
  if (top === undefined) return undefined;
  const theirs = others.slice(0, others.length - added);
  const head = headOf(
    Buffer.concat([
      ...theirs.map((field) => (field.name === "from" ? fromThatCame(field, received.from) : field.raw)),
      Buffer.from("\r\n"),
    ]),
  );
  const lost = changes.filter(({ now }) => now === undefined);
  return head && { head, ours: [top, ...others.slice(theirs.length)], lost };
}

/** The field as it stands when its address is the one that came, else with that and the name that is left. */
function fromThatCame(field: Field, address: string): Buffer {
  const now = parseMailbox(field.value(), "");
  if (!now.ok || now.mailbox.address === address) return field.raw;
  return Buffer.from(`From: ${writeMailbox(now.mailbox.displayName, address as Address)}\r\n`, "latin1");
}

function headOf(bytes: Buffer): Head | undefined {
  const split = splitHead(bytes);
  return split.kind === "complete" ? split.head : undefined;
}

function senderOf({ received: { sender } }: StoredEntry, hostname: string): Address | null | undefined {
  return sender === null ? null : (parseAddress(sender) ?? parseAddress(`${sender}@${hostname}`));
}
