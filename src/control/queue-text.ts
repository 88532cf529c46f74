/**
 * One message, and the counts, as people read them in a terminal. The table is in queue-table.ts.
 *
 * Promises: no byte of a stranger reaches the terminal as it came; times are local, ages short.
 */
import { visible } from "../mail/reply.ts";
import { grouped } from "./bulk.ts";
import { timeOfDay } from "./health-text.ts";
import type { Budgets, QueueStats } from "./queue-stats.ts";
import type { QueueDetail } from "./queue-view.ts";

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

export function statsText({ states, oldest, budget }: QueueStats & { readonly budget: Budgets }): string {
  const line = (name: string, figure: string) => `${name.padEnd(10)}${figure.padStart(8)}`;
  return [
    ...Object.entries(states).map(([state, count]) => line(state, grouped(count))),
    line("oldest", oldest === null ? "-" : duration(oldest)),
    ...budgetTexts(budget).map((text) => `budget    ${text} this hour`),
  ].join("\n");
}

/** `portal 412/500` for each account whose budget is known. */
export function budgetTexts(budget: Budgets): string[] {
  return Object.entries(budget).flatMap(([account, use]) =>
    use === null ? [] : [`${account} ${grouped(use.used)}/${grouped(use.perHour)}`],
  );
}

function changeText({ field, was, now, why }: QueueDetail["changes"][number]): string {
  const from = was === undefined ? "added" : visible(was, 100);
  const to = now === undefined ? "removed" : visible(now, 100);
  return `${visible(field)}: ${from} -> ${to} (${visible(why)})`;
}

function changed(was: string, now: string): string {
  return was === now || was === "" ? "" : ` (the client said ${visible(was)})`;
}

/** `4s`, `12m`, `3h`, `2d`. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** Local time, to the second. */
export function clock(iso: string): string {
  const at = new Date(iso);
  const pad = (n: number) => String(n).padStart(2, "0");
  const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  return `${day} ${timeOfDay(at)}`;
}
