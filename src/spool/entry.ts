/**
 * The words of a spool file: its first line (what was received and decided), then the wire bytes, then
 * one line for each thing that happened. Readable with `less`.
 *
 *     {"v":1,"id":"…","account":"portal","envelope":{…},"wireBytes":1234,…}
 *     Received: …                      ← exactly wireBytes bytes, as they go to the upstream
 *     …
 *     {"at":…,"event":"attempt","results":[…]}
 *
 * Promises: what `formatEntry` and `formatRecord` write, `parseEntry` and `parseRecords` read.
 * Refuses (as a value) a first line of another version or shape; a torn last line is passed over.
 */
import type { Address } from "../mail/address.ts";
import type { Envelope } from "../mail/envelope.ts";
import type { UndoStep } from "../message/undo.ts";
import type { RecipientResult } from "../schedule/outcome.ts";
import type { Route } from "./route.ts";

export const SPOOL_VERSION = 1;

/** A change that policy made to the message, for `queue show`. */
export interface EntryChange {
  readonly field: string;
  readonly was?: string;
  readonly now?: string;
  readonly why: string;
}

/** The first line: what was received, and what was decided. */
export interface SpoolEntry {
  readonly id: string;
  /** Accept time, milliseconds since 1970. */
  readonly timeMs: number;
  readonly client: {
    readonly ip: string;
    readonly helo: string;
    readonly protocol: string;
    /** The local user whose program it came from, when known. */
    readonly user?: string;
  };
  /** As the client said it; `sender` null is MAIL FROM:<>. */
  readonly received: {
    readonly sender: string | null;
    readonly from: string;
    readonly recipients: readonly string[];
  };
  /** The account it goes through; null when policy holds it because no pair is known. */
  readonly account: string | null;
  readonly envelope: Envelope;
  /** Header From on the wire. */
  readonly from: Address;
  readonly rule: string;
  readonly why: string;
  readonly changes: readonly EntryChange[];
  readonly class: "urgent" | "bulk";
  /** Why it is parked from the start, if it is. */
  readonly hold?: string;
  readonly messageId: string;
  readonly eightBit: boolean;
  /** From the head on the wire back to the one that came, so that policy can be run on it again; missing in older files. */
  readonly undo?: readonly UndoStep[];
  /** The working time of its pair when it was accepted, milliseconds: its age for expiry counts from here. */
  readonly workedMs?: number;
  /** It is a notice of ours, about message `of` (null: a digest): no notice is ever about it. */
  readonly notice?: { readonly kind: NoticeKind; readonly of: string | null };
}

/** RFC 3464: a report of failure or of delay; a digest stands for more failures than may have a notice each. */
export type NoticeKind = "failure" | "delay" | "digest";

/** The first line as it stands in the file. */
export interface StoredEntry extends SpoolEntry {
  readonly v: typeof SPOOL_VERSION;
  readonly wireBytes: number;
}

/**
 * Something that happened to the message later. `at` is milliseconds since 1970. Synced when they are written, but
 * for `dot`: it only has to outlive the process, and says which attempt is in doubt when nothing follows it.
 */
export type SpoolRecord =
  /** The final dot is about to be said. */
  | { readonly at: number; readonly event: "dot"; readonly upstream: string; readonly session: string }
  | {
      readonly at: number;
      readonly event: "attempt";
      readonly upstream: string;
      readonly session: string;
      readonly results: readonly RecipientResult[];
      readonly inDoubt?: true;
      /** When the next attempt is due, if there is one. */
      readonly nextMs?: number;
    }
  /** Given up by age, or by an operator. */
  | {
      readonly at: number;
      readonly event: "expired" | "bounced";
      readonly recipients: readonly Address[];
      readonly reason: string;
    }
  /** A notice about these recipients is in the spool under `id`; null: they are counted in the next digest. */
  | {
      readonly at: number;
      readonly event: "noticed";
      readonly kind: "failure" | "delay";
      readonly id: string | null;
      readonly recipients: readonly Address[];
    }
  | { readonly at: number; readonly event: "held"; readonly reason: string }
  | { readonly at: number; readonly event: "released" }
  /** To be tried at once, also who was given up. */
  | { readonly at: number; readonly event: "retried" }
  /** Policy was run on it again: the first line and the wire bytes are as it decided now. */
  | {
      readonly at: number;
      readonly event: "repolicied";
      readonly was: Route;
      readonly now: Route;
      readonly rule: string;
      readonly why: string;
      /** Why policy parks it, if it does. */
      readonly hold?: string;
    };

/** What every fact about a message says of it. */
export function mailOf({ id, account, envelope, client }: SpoolEntry) {
  const { user } = client;
  return { id, account, sender: envelope.sender, ...(user === undefined ? {} : { user }) };
}

export function formatEntry(entry: SpoolEntry, wireBytes: number): Buffer {
  const stored: StoredEntry = { v: SPOOL_VERSION, ...entry, wireBytes };
  return Buffer.from(`${JSON.stringify(stored)}\n`);
}

export function formatRecord(record: SpoolRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/** Reads the first line; a sentence when it cannot be believed. */
export function parseEntry(line: string, id: string): StoredEntry | { readonly problem: string } {
  let value: Partial<StoredEntry> | null;
  try {
    value = JSON.parse(line);
  } catch {
    return { problem: "its first line is not JSON" };
  }
  if (typeof value !== "object" || value === null) return { problem: "its first line is not an object" };
  if (value.v !== SPOOL_VERSION)
    return { problem: `it is of version ${value.v}, this is version ${SPOOL_VERSION}` };
  if (value.id !== id) return { problem: `it says it is ${value.id}` };
  const whole =
    Number.isSafeInteger(value.wireBytes) &&
    Number.isFinite(value.timeMs) &&
    Array.isArray(value.envelope?.recipients) &&
    typeof value.envelope?.sender === "string" &&
    (typeof value.account === "string" || value.account === null);
  return whole ? (value as StoredEntry) : { problem: "its first line lacks what every message has" };
}

/** Reads the lines after the wire bytes. An incomplete last line was never promised: it is passed over. */
export function parseRecords(text: string): SpoolRecord[] {
  const records: SpoolRecord[] = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    try {
      records.push(JSON.parse(line));
    } catch {
      // torn by a crash before its sync: nothing was said on its strength
    }
  }
  return records;
}
