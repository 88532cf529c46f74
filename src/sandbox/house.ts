/**
 * What all sessions of a simulator share: its rules, its clock, its record of what arrived.
 */
import type { Arrivals, Arrived } from "./arrivals.ts";
import type { Faults } from "./faults.ts";
import type { HourlyLimit } from "./hourly-limit.ts";
import type { SenderPair } from "./senders.ts";

export interface House {
  readonly username: string;
  readonly password: string;
  readonly pairs: readonly SenderPair[] | undefined;
  /** The first size that is refused, in bytes. */
  readonly tooBigBytes: number;
  readonly messagesPerSession: number;
  /** Said in EHLO, RFC 9422; undefined: nothing is said. */
  readonly announcedMailMax: number | undefined;
  readonly hour: HourlyLimit | undefined;
  readonly faults: Faults;
  readonly arrivals: Arrivals;
  readonly now: () => Date;
  readonly onArrived: (arrived: Arrived) => void;
  readonly log: (line: string) => void;
}

/** What is known of a session; `tls` is its protocol ("TLSv1.3"), "" in clear. */
export interface SessionRecord {
  readonly id: string;
  tls: string;
  cipher: string;
  /** MAIL commands, failed ones included. */
  mails: number;
  authenticated: boolean;
  quit: boolean;
}

/** A reply; `text` begins with the enhanced code. */
export interface Answer {
  readonly code: number;
  readonly text: string;
}

/** RFC 1870 §6.1, RFC 3463 §3.4: too big for this system. */
export function tooBig({ tooBigBytes }: House, sizeBytes: number): Answer {
  return { code: 552, text: `5.3.4 ${sizeBytes} bytes is too big: the limit is below ${tooBigBytes}` };
}

export const HOUR_IS_FULL: Answer = { code: 451, text: "4.7.1 the messages of this hour are used up" };
