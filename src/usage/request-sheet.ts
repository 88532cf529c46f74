/**
 * The answers that the relay service's access form asks for, from config and ledger.
 *
 * Promises: pure; says what is not known, and which key or how much more recording would answer it.
 */
import type { Pair } from "../mail/envelope.ts";
import { grouped, sizeText } from "../observe/figures.ts";
import { rollingPeak } from "../schedule/replay.ts";
import type { UsageDay } from "./day.ts";
import { recordedSpan } from "./records.ts";
import { sentMinutes } from "./rows.ts";
import { table, timeText } from "./text.ts";

const DAY_MS = 86_400_000;
const YEAR_DAYS = 365;

const ASKED = ["group", "owner", "application", "audience"] as const;
type Asked = (typeof ASKED)[number];
const QUESTIONS: Readonly<Record<Asked, string>> = {
  group: "group",
  owner: "service owner",
  application: "application",
  audience: "audience",
};

export interface SheetParts {
  readonly request: Readonly<Partial<Record<Asked, string>>>;
  readonly hostname: string;
  readonly accounts: readonly { readonly name: string; readonly perHour: number | null }[];
  readonly pairs: readonly { readonly account: string; readonly pair: Pair }[];
  readonly staticAddresses: readonly string[];
}

/** What one account sent, as far as it is recorded. */
export interface Volume {
  readonly account: string;
  readonly messages: number;
  readonly recipients: number;
  readonly bytes: number;
  /** The most messages in any 60 minutes. */
  readonly peakHour: number;
  /** Config `pace.perHour`; null: unlimited. */
  readonly perHour: number | null;
  /** If the year goes on as recorded; null while less than a day is recorded. */
  readonly messagesPerYear: number | null;
  readonly bytesPerYear: number | null;
}

export interface RequestSheet extends Readonly<Record<Asked, string | null>> {
  readonly host: string;
  readonly pairs: readonly (Pair & { readonly account: string })[];
  /** Distinct addresses: the service allows 10 for a credential. */
  readonly addresses: readonly string[];
  readonly sendingAddresses: readonly string[];
  /** ISO 8601; null: nothing is recorded. */
  readonly recorded: { readonly from: string; readonly to: string } | null;
  readonly volume: readonly Volume[];
}

export function requestSheet(parts: SheetParts, days: readonly UsageDay[], nowMs: number): RequestSheet {
  const { request, hostname, accounts, pairs, staticAddresses } = parts;
  const span = recordedSpan(days);
  const shown = pairs.map(({ account, pair: { envelope, header } }) => ({ account, envelope, header }));
  return {
    group: request.group ?? null,
    owner: request.owner ?? null,
    application: request.application ?? null,
    audience: request.audience ?? null,
    host: hostname,
    pairs: shown,
    addresses: [...new Set(shown.flatMap(({ envelope, header }) => [envelope, header]))].sort(),
    sendingAddresses: staticAddresses,
    recorded: span
      ? { from: new Date(span.fromMs).toISOString(), to: new Date(span.toMs).toISOString() }
      : null,
    volume: accounts.map((account) => volumeOf(days, account, nowMs - (span?.fromMs ?? nowMs))),
  };
}

function volumeOf(
  days: readonly UsageDay[],
  { name, perHour }: SheetParts["accounts"][number],
  recordedMs: number,
): Volume {
  const rows = sentMinutes(days, name);
  const sum = (measure: "messages" | "recipients" | "bytes") =>
    rows.reduce((all, row) => all + row[measure], 0);
  const [messages, recipients, bytes] = [sum("messages"), sum("recipients"), sum("bytes")];
  const aYear = (amount: number) =>
    recordedMs < DAY_MS ? null : Math.round((amount * YEAR_DAYS * DAY_MS) / recordedMs);
  return {
    account: name,
    messages,
    recipients,
    bytes,
    peakHour: rollingPeak(rows.map(({ minute, messages: count }) => [minute, count] as const)),
    perHour,
    messagesPerYear: aYear(messages),
    bytesPerYear: aYear(bytes),
  };
}

/** The sheet for a person, to copy from. */
export function requestSheetText(sheet: RequestSheet): string {
  const answers = ASKED.map((key) => [
    QUESTIONS[key],
    sheet[key] ?? `not said: set request.${key} in the config`,
  ]);
  const sending =
    sheet.sendingAddresses.length > 0
      ? sheet.sendingAddresses.join(", ")
      : "not said: set upstream.static to the addresses that mail leaves from";
  const facts = [...answers, ["host", sheet.host], ["sending IPs", sending]];
  return [
    ...facts.map(([name, text]) => `${String(name).padEnd(14)}${text}`),
    "",
    table(
      ["ACCOUNT", "ENVELOPE SENDER", "HEADER FROM"],
      sheet.pairs.map(({ account, envelope, header }) => [account, envelope, header]),
    ),
    `${sheet.addresses.length} distinct addresses`,
    "",
    ...volumeLines(sheet),
  ].join("\n");
}

function volumeLines({ recorded, volume }: RequestSheet): string[] {
  if (!recorded) {
    return [
      "volume        nothing is recorded yet: let sluice send for some weeks, with pace: unlimited if the peak is to be known",
    ];
  }
  const yearly = (value: number | null, text: (value: number) => string) =>
    value === null ? "-" : text(value);
  const { from, to } = recorded;
  const rows = volume.map((one) => [
    one.account,
    one.messages,
    one.recipients,
    sizeText(one.bytes),
    one.peakHour,
    one.perHour === null ? "unlimited" : grouped(one.perHour),
    yearly(one.messagesPerYear, grouped),
    yearly(one.bytesPerYear, sizeText),
  ]);
  const headings = [
    "ACCOUNT",
    "MESSAGES",
    "RECIPIENTS",
    "BYTES",
    "PEAK HOUR",
    "CAP",
    "A YEAR",
    "BYTES A YEAR",
  ];
  const short = volume.some(({ messagesPerYear }) => messagesPerYear === null);
  return [
    `Recorded from ${timeText(Date.parse(from))} to ${timeText(Date.parse(to))} UTC on this host:`,
    table(headings, rows),
    ...(short ? ["Less than a day is recorded: too little to say what a year comes to."] : []),
  ];
}
