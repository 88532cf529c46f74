/**
 * As what a message goes out, and what a run of today's policy says of it: what delivery, control and the commands share.
 *
 * Promises: pure; a change in words does not name what stays the same. Addresses come as they are: whoever shows them
 * cleans them.
 */
import type { Address } from "../mail/address.ts";

/** As what a message goes out. */
export interface Route {
  readonly account: string | null;
  /** Envelope sender. */
  readonly envelope: Address;
  /** Header From. */
  readonly from: Address;
  readonly class: "urgent" | "bulk";
}

/** A message that today's policy decides on otherwise than the one before. */
export interface Repolicied {
  readonly id: string;
  readonly was: RouteAndState;
  readonly now: RouteAndState;
  readonly rule: string;
  readonly why: string;
  /** How many recipients have it already, as it was. */
  readonly delivered: number;
}

export interface RouteAndState extends Route {
  readonly state: "queued" | "held" | "bounced";
}

/** A part of a run: `look` changes nothing. */
export interface RepolicyAsked {
  readonly mode: "look" | "apply";
  /** The queue id that it comes after; undefined: the run begins. */
  readonly after?: string | undefined;
}

export interface RepolicyPage {
  readonly changed: readonly Repolicied[];
  readonly unchanged: number;
  readonly skipped: readonly { readonly id: string; readonly why: string }[];
  /** Where the next part begins; null: that was all. */
  readonly next: string | null;
  /** The policy that decided: since when the agent has it (ISO 8601), and what tells it from another. */
  readonly policy: { readonly since: string; readonly fingerprint: string };
}

/** As what the message of this entry goes out. */
export function routeOf(entry: {
  readonly account: string | null;
  readonly envelope: { readonly sender: Address };
  readonly from: Address;
  readonly class: "urgent" | "bulk";
}): Route {
  return {
    account: entry.account,
    envelope: entry.envelope.sender,
    from: entry.from,
    class: entry.class,
  };
}

/** A route as a journal keeps it. */
interface RouteInWords {
  readonly account: string | null;
  readonly envelope: string;
  readonly from: string;
  readonly class: string;
}

/** `account none -> portal, From a@x -> b@y`; `its head` when nothing else differs. */
export function routeChange({
  was,
  now,
}: {
  readonly was: RouteInWords;
  readonly now: RouteInWords;
}): string {
  const parts: [string, string, string][] = [
    ["account", was.account ?? "none", now.account ?? "none"],
    ["From", was.from, now.from],
    ["envelope", was.envelope, now.envelope],
    ["class", was.class, now.class],
  ];
  const differing = parts.filter(([, before, after]) => before !== after);
  return differing.length === 0
    ? "its head is written anew"
    : differing.map(([name, before, after]) => `${name} ${before} -> ${after}`).join(", ");
}
