/**
 * The real listener on a port of its own, with custody and events kept in memory where a test can look.
 */

import type { ListenTarget } from "../../../src/intake/bind.ts";
import { type Deadlines, defaultDeadlines } from "../../../src/intake/deadlines.ts";
import { type Listener, type ListenerOptions, startListener } from "../../../src/intake/listener.ts";
import type { Custody, IntakePorts, IntakeSettings } from "../../../src/intake/ports.ts";
import { Submitters } from "../../../src/intake/submitter.ts";
import { type Address, parseAddress } from "../../../src/mail/address.ts";
import type { Accepted, Fact, Rejected } from "../../../src/observe/facts.ts";
import type { SpoolEntry } from "../../../src/spool/entry.ts";

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`Cannot test with ${text} as it is no address`);
  return parsed;
}

const portal = { envelope: address("portal@lab.example"), header: address("portal@lab.example") };

export const settings: IntakeSettings = {
  hostname: "app01.lab.example",
  listen: { clients: ["127.0.0.0/8", "::1/128"], maxConnections: 50 },
  limits: { messageSizeBytes: 100_000, recipients: 5, hops: 4, uploadsBytes: 10_000_000 },
  accounts: [{ name: "portal", allowDomains: [] }],
  senders: {
    pairs: [{ pair: portal, account: "portal", rule: "accounts[0].senders[0]" }],
    rewrite: [{ match: "root@*", to: portal, rule: "senders.rewrite[0]" }],
    unknown: { kind: "reject" },
    keepOriginal: "reply-to",
  },
  recipients: { aliases: new Map([["root", address("ops@lab.example")]]) },
  urgent: { headers: { "X-Priority": "1" }, senders: [], users: ["backup"] },
  keep: { subjects: false },
};

export interface Intake extends AsyncDisposable {
  readonly listener: Listener;
  readonly port: number;
  readonly accepted: { readonly entry: SpoolEntry; readonly wire: Buffer }[];
  readonly facts: Fact[];
  readonly reports: { readonly event: string; readonly fields: Record<string, unknown> }[];
  rejections(): Rejected[];
  acceptances(): Accepted[];
  /** Moves the monotonic clock on. */
  advance(ms: number): void;
}

export interface IntakeOptions {
  /** Asked anew each time, so that a test may change it as a reload would. */
  readonly settings?: () => IntakeSettings;
  readonly custody?: Partial<Custody>;
  readonly deadlines?: Partial<Deadlines>;
  readonly targets?: readonly ListenTarget[];
  /** Whose connections they are, unknown at once by default; `asked` and `searched` ask the kernel, either way. */
  readonly userOf?: "asked" | "searched" | (() => Promise<string | undefined>);
}

export async function startIntake(options: IntakeOptions = {}): Promise<Intake> {
  const accepted: Intake["accepted"] = [];
  const facts: Fact[] = [];
  const reports: Intake["reports"] = [];
  let ids = 0;
  let advancedMs = 0;
  const events: IntakePorts["events"] = {
    fact: async (fact) => void facts.push(fact),
    report: (event, fields) => void reports.push({ event, fields }),
  };
  const listener = await startListener({
    targets: options.targets ?? [{ host: "127.0.0.1", port: 0 }],
    deadlines: { ...defaultDeadlines, ...options.deadlines },
    ...submittersOf(options, events),
    ports: {
      settings: options.settings ?? (() => settings),
      custody: {
        newId: () => `id${++ids}`,
        room: () => ({ ok: true }),
        accept: async (entry, wire) => void accepted.push({ entry, wire: Buffer.concat(wire) }),
        ...options.custody,
      },
      events,
      clocks: { wallMs: () => Date.UTC(2026, 0, 5, 10), monotonicMs: () => performance.now() + advancedMs },
    },
  });
  return {
    listener,
    port: listener.addresses[0]?.port ?? 0,
    accepted,
    facts,
    reports,
    rejections: () => facts.filter((fact) => fact.event === "rejected"),
    acceptances: () => facts.filter((fact) => fact.event === "accepted"),
    advance: (ms) => {
      advancedMs += ms;
    },
    [Symbol.asyncDispose]: () => listener.stop(0),
  };
}

function submittersOf(
  { userOf = async () => undefined }: IntakeOptions,
  events: IntakePorts["events"],
): Pick<ListenerOptions, "submitters"> {
  if (userOf === "asked") return {};
  const openDiag = () => Promise.reject(new Error("EAFNOSUPPORT"));
  // However slow the machine: the deadline has tests of its own.
  const searched = { events, openDiag, deadlineMs: 60_000 };
  if (userOf === "searched") return { submitters: new Submitters(searched) };
  return { submitters: { open: async () => {}, userOf, [Symbol.dispose]: () => {} } };
}

/** Waits until the condition holds; the test's own timeout is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

export const message = "From: portal@lab.example\r\nTo: ops@lab.example\r\nSubject: hello\r\n\r\nbody";
