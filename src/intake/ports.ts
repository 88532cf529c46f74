/**
 * What the listener needs of the rest of sluice, no more: settings to read, custody to hand messages to,
 * events to tell, clocks.
 *
 * The whole config, the spool and the events satisfy these as they are; tests give small ones.
 */
import type { DecisionSettings } from "../decision/decide.ts";
import type { Address } from "../mail/address.ts";
import type { Events } from "../observe/events.ts";
import type { SpoolEntry } from "../spool/entry.ts";

/** The part of the config that intake reads. A message keeps the one it began with. */
export interface IntakeSettings extends DecisionSettings {
  readonly listen: { readonly clients: readonly string[]; readonly maxConnections: number };
  readonly limits: {
    readonly messageSizeBytes: number;
    readonly recipients: number;
    readonly hops: number;
    readonly uploadsBytes: number;
  };
  readonly recipients: { readonly aliases: ReadonlyMap<string, Address> };
  readonly keep: { readonly subjects: boolean };
}

/** Where accepted messages go. 250 is said when `accept` resolved, and only then. */
export interface Custody {
  newId(): string;
  room(): { readonly ok: true } | { readonly ok: false; readonly reason: "disk-low" | "queue-full" };
  /** Durable when resolved; rejects with the system's error and then leaves nothing behind. */
  accept(entry: SpoolEntry, wire: readonly Buffer[]): Promise<void>;
}

export type IntakeEvents = Pick<Events, "fact" | "report">;

export interface Clocks {
  /** Wall clock, milliseconds since 1970: what stands in Received and in the spool. */
  readonly wallMs: () => number;
  /** Monotonic, milliseconds: what deadlines are measured with. */
  readonly monotonicMs: () => number;
}

export interface IntakePorts {
  /** Asked at the start of every message, so that a reload takes effect with the next one. */
  readonly settings: () => IntakeSettings;
  readonly custody: Custody;
  readonly events: IntakeEvents;
  readonly clocks: Clocks;
  /** A message was taken, and 250 said so many milliseconds after its final dot. */
  readonly onReplied?: (waitedMs: number) => void;
}
