/**
 * The edits of a head, and nothing else: submission is where a message may be completed (RFC 6409 §8).
 *
 * Received goes on top; From is written from the policy's own text; Sender and Resent-* outside the pair,
 * Bcc, Resent-Bcc and Return-Path go; Reply-To or X-Original-From keeps the address that From had; a missing
 * From, Date or Message-ID is added at the end; a DKIM-Signature goes when a field it covers was touched.
 * Promises: the new head has exactly one From, with `pair.header`; no Sender or Resent- identity outside the
 * pair; an empty line at its end; every field not named above byte for byte as it came.
 */
import type { Address } from "../mail/address.ts";
import type { Pair } from "../mail/envelope.ts";
import type { Field, Head } from "../mail/head.ts";
import type { Identities } from "../mail/identity.ts";
import { writeMailbox } from "../mail/mailbox.ts";
import { visible } from "../mail/reply.ts";
import { signedFields } from "./dkim.ts";
import { type Stretch, type UndoStep, undoSteps } from "./undo.ts";

export interface EditPlan {
  readonly pair: Pair;
  /** What the client said, and what readIdentities() found in this same head. */
  readonly original: Identities & { readonly envelope: Address | null };
  readonly keepOriginal: "reply-to" | "header" | "none";
  /** receivedField()'s */
  readonly received: string;
  /** dateTime()'s, for a head without Date. */
  readonly date: string;
  /** `<…>`, for a head without Message-ID. */
  readonly messageId: string;
}

/** One edit, for people: `was` is missing for what was added, `now` for what was removed. Received is not listed. */
export interface Change {
  readonly field: string;
  readonly was?: string;
  readonly now?: string;
  readonly why: string;
}

export interface EditedHead {
  /** The new head, the empty line included; the body follows. */
  readonly bytes: Buffer;
  readonly changes: readonly Change[];
  /** As it stands in the message that goes out, `<…>`; another's text, made visible. */
  readonly messageId: string;
  /** The way back to the head that came (undo.ts). */
  readonly undo: readonly UndoStep[];
}

const NOTHING = Buffer.alloc(0);
const EMPTY_LINE = Buffer.from("\r\n");

/** A field's fate. No `bytes`: it goes. */
interface Edit {
  readonly bytes?: Buffer;
  readonly change?: Change;
}

/** Applies a plan to the head it was made for. Throws when `original` was not read from this head: a bug. */
export function editHead(head: Head, plan: EditPlan): EditedHead {
  const keepsResent = head.fields.every((field) => !isResentIdentity(field) || isInPair(field, plan));
  const edits = head.fields.map((field) => editField(field, plan, keepsResent ? "keep" : "remove"));
  const added = [...missingFields(head, plan), ...keptOriginal(head, plan)];
  const touched = [...edits.flatMap(({ change }) => change ?? []), ...added];
  const names = new Set(touched.map(({ field }) => field.toLowerCase()));
  const final = edits.map((edit, i) => dropBrokenSignature(head.fields[i]!, edit, names));
  const additions = added.map(({ field, now }) => `${field}: ${now}\r\n`).join("");
  const stretches: Stretch[] = [
    { came: head.mboxLine ?? NOTHING, goes: Buffer.from(`${plan.received}\r\n`, "latin1") },
    ...final.map(({ bytes = NOTHING }, i) => ({ came: head.fields[i]!.raw, goes: bytes })),
    { came: NOTHING, goes: Buffer.from(additions, "latin1") },
    { came: head.separated ? EMPTY_LINE : NOTHING, goes: EMPTY_LINE },
  ];
  return {
    bytes: Buffer.concat(stretches.map(({ goes }) => goes)),
    undo: undoSteps(stretches),
    changes: [...mboxChange(head), ...final.flatMap(({ change }) => change ?? []), ...added],
    messageId: visible(head.fields.find(({ name }) => name === "message-id")?.value() ?? plan.messageId),
  };
}

function editField(field: Field, plan: EditPlan, resent: "keep" | "remove"): Edit {
  switch (field.name) {
    case "from":
      return editFrom(field, plan);
    case "sender":
      return isInPair(field, plan) ? keep(field) : remove(field, "it is not the sender that policy allows");
    case "bcc":
    case "resent-bcc":
      return remove(field, "blind recipients are nobody's business"); // RFC 5322 §3.6.3
    case "return-path":
      return remove(field, "it is written at final delivery"); // RFC 5321 §4.4
    default:
      // The block goes as a whole: RFC 5322 §3.6.6 wants Resent-From with any of the others.
      return field.name.startsWith("resent-") && resent === "remove"
        ? remove(field, "its Resent-From or Resent-Sender is not what policy allows")
        : keep(field);
  }
}

function editFrom(field: Field, { pair, original: { from } }: EditPlan): Edit {
  if (!from) throw new Error("Cannot edit a head as its From was not read");
  if (from.canonical && from.address === pair.header) return keep(field);
  const now = writeMailbox(from.displayName, pair.header);
  const why =
    from.address === pair.header ? "it is written in its plain form" : "policy sends it from this address";
  // RFC 2047 §2: a line with an encoded word has 76 characters at most, so each gets its own.
  const bytes = Buffer.from(`From: ${now.replace(/\?=[ \t]+=\?/g, "?=\r\n =?")}\r\n`, "latin1");
  return { bytes, change: { field: "From", was: visible(field.value()), now: visible(now), why } };
}

function keep(field: Field): Edit {
  return { bytes: field.raw };
}

function remove(field: Field, why: string): Edit {
  const name = field.raw.toString("latin1", 0, field.name.length);
  return { change: { field: name, was: visible(field.value()), why } };
}

function isResentIdentity({ name }: Field): boolean {
  return name === "resent-from" || name === "resent-sender";
}

function isInPair(field: Field, { pair, original }: EditPlan): boolean {
  const address = original.others.get(field);
  return address !== undefined && (address === pair.header || address === pair.envelope);
}

/** A change that adds a field; `now` is plain ASCII here and is what gets written. */
type Addition = Change & { readonly now: string };

/** RFC 6409 §8.1, §8.2, §8.3. */
function missingFields(head: Head, plan: EditPlan): Addition[] {
  const why = "it was missing";
  const all: Addition[] = [
    { field: "From", now: plan.pair.header, why },
    { field: "Date", now: plan.date, why },
    { field: "Message-ID", now: plan.messageId, why },
  ];
  return all.filter(({ field }) => !has(head, field));
}

function keptOriginal(head: Head, { pair, original, keepOriginal }: EditPlan): Addition[] {
  const address = original.from?.address ?? original.envelope;
  if (address === null || address === pair.header) return [];
  const why = "it keeps the address that From had";
  switch (keepOriginal) {
    case "none":
      return [];
    case "header":
      return [{ field: "X-Original-From", now: address, why }];
    case "reply-to":
      return has(head, "Reply-To") ? [] : [{ field: "Reply-To", now: address, why }];
  }
}

function has(head: Head, name: string): boolean {
  return head.fields.some((field) => field.name === name.toLowerCase());
}

/**
 * RFC 6376 §5.4.2: what is not signed may change. Our own Received does not count: a signature covers the
 * lowest fields of a name, and ours is on top.
 */
function dropBrokenSignature(field: Field, edit: Edit, touched: ReadonlySet<string>): Edit {
  if (field.name !== "dkim-signature" || touched.size === 0) return edit;
  const signed = signedFields(field.value());
  if (signed && ![...touched].some((name) => signed.has(name))) return edit;
  return remove(field, "a field that it signs was changed");
}

function mboxChange({ mboxLine }: Head): Change[] {
  if (!mboxLine) return [];
  const was = visible(mboxLine.toString("latin1").trim());
  return [{ field: "From_", was, why: "it is the separator of a mailbox file, not part of the message" }];
}
