/**
 * The queue as people read it in a terminal: a line a message, a page for one.
 *
 * Promises: no byte of a stranger reaches the terminal as it came; times are local, ages short.
 */
import { visible } from "../mail/reply.ts";
import { timeOfDay } from "./health-text.ts";
import type { QueueDetail, QueueRow, QueueStats } from "./queue-view.ts";

const HEADINGS = ["ID", "STATE", "AGE", "SIZE", "SENDER", "RECIPIENTS", "NEXT", "REASON"] as const;
const REASON_LENGTH = 60;

/** The default view: columns as wide as they need to be, the reason last. */
export function queueTable(rows: readonly QueueRow[], more: boolean): string {
  if (rows.length === 0) return "The queue is empty.";
  const cells = rows.map((row) => [
    row.id,
    row.state,
    duration(row.age),
    bytes(row.size),
    visible(row.sender),
    visible(people(row.recipients)),
    row.nextAttempt === null ? "-" : clock(row.nextAttempt),
    visible(row.reason ?? "", REASON_LENGTH),
  ]);
  const widths = HEADINGS.map((heading, i) =>
    Math.max(heading.length, ...cells.map((row) => (row[i] as string).length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] as number))
      .join("  ")
      .trimEnd();
  const total = `-- ${rows.length} message${rows.length === 1 ? "" : "s"}${more ? " shown, more in the queue: see --limit" : ""}`;
  return [line(HEADINGS), ...cells.map(line), total].join("\n");
}

/** Everything about one message. */
export function messagePage(message: QueueDetail): string {
  const facts: [string, string][] = [
    ["state", message.state + (message.reason === null ? "" : `: ${visible(message.reason)}`)],
    [
      "accepted",
      `${clock(message.acceptedAt)} (${duration(message.age)} ago) from ${message.client.ip}, ${visible(message.client.protocol)}, said ${visible(message.client.helo)}`,
    ],
    ["user", message.user === null ? "not known" : visible(message.user)],
    ["size", `${message.size} bytes as it goes out, ${message.class}`],
    ["message-id", visible(message.messageId)],
    ["account", message.account ?? "none: no pair is known for its sender"],
    [
      "envelope",
      `${visible(message.envelope.sender)}${changed(message.received.sender ?? "<>", message.envelope.sender)}`,
    ],
    ["from", `${visible(message.from)}${changed(message.received.from, message.from)}`],
    ["decided by", `${visible(message.rule)}: ${visible(message.why)}`],
    ...message.changes.map((change): [string, string] => ["changed", changeText(change)]),
    ...message.envelope.recipients.map(({ address, state }): [string, string] => [
      "recipient",
      `${visible(address)}: ${state}`,
    ]),
    ["next", message.nextAttempt === null ? "-" : clock(message.nextAttempt)],
  ];
  const history = message.history.map(
    ({ at, what, detail }) =>
      `${what.padEnd(10)}  ${clock(at)}${detail === "" ? "" : `: ${visible(detail, 1000)}`}`,
  );
  const attempts = message.attempts.flatMap((attempt) => [
    `attempt     ${clock(attempt.at)} at ${visible(attempt.upstream)}, session ${visible(attempt.session)}${attempt.inDoubt ? ", in doubt: it may have arrived" : ""}`,
    ...(attempt.results.length === 0 ? ["            its outcome was never written: sluice was ended"] : []),
    ...attempt.results.map(
      (result) => `            ${visible(result.recipient)}: ${result.outcome}: ${visible(result.reply)}`,
    ),
  ]);
  return [
    message.id,
    ...facts.map(([name, text]) => `${name.padEnd(10)}  ${text}`),
    ...attempts,
    ...history,
  ].join("\n");
}

export function statsText({ states, oldest }: QueueStats): string {
  const counts = Object.entries(states).map(
    ([state, count]) => `${state.padEnd(10)}${String(count).padStart(8)}`,
  );
  return [...counts, `oldest    ${(oldest === null ? "-" : duration(oldest)).padStart(8)}`].join("\n");
}

function changeText({ field, was, now, why }: QueueDetail["changes"][number]): string {
  const from = was === undefined ? "added" : visible(was, 100);
  const to = now === undefined ? "removed" : visible(now, 100);
  return `${visible(field)}: ${from} -> ${to} (${visible(why)})`;
}

function changed(was: string, now: string): string {
  return was === now || was === "" ? "" : ` (the client said ${visible(was)})`;
}

function people(recipients: readonly string[]): string {
  const [first = "", ...others] = recipients;
  return others.length === 0 ? first : `${first} +${others.length}`;
}

/** `4s`, `12m`, `3h`, `2d`. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

function bytes(count: number): string {
  if (count < 10_000) return String(count);
  return count < 1_000_000 ? `${Math.round(count / 1000)}k` : `${(count / 1_000_000).toFixed(1)}M`;
}

/** Local time, to the second. */
export function clock(iso: string): string {
  const at = new Date(iso);
  const pad = (n: number) => String(n).padStart(2, "0");
  const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  return `${day} ${timeOfDay(at)}`;
}
