/**
 * One message, and the counts, as people read them in a terminal. The table is in queue-table.ts.
 *
 * Promises: no byte of a stranger reaches the terminal as it came; times are local, ages short.
 */
import { visible } from "../mail/reply.ts";
import { ageText, clock, grouped } from "../observe/figures.ts";
import type { Budgets, QueueStats } from "./queue-stats.ts";
import type { QueueDetail } from "./queue-view.ts";

/** Everything about one message, what happened to it in the order it did. */
export function messagePage(message: QueueDetail): string {
  const facts: [string, string][] = [
    ["state", message.state + (message.reason === null ? "" : `: ${visible(message.reason)}`)],
    [
      "accepted",
      `${clock(message.acceptedAt)} (${ageText(message.age)} ago) from ${message.client.ip}, ${visible(message.client.protocol)}, said ${visible(message.client.helo)}`,
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
  const happened = [
    ...message.attempts.map((attempt) => ({ at: attempt.at, lines: attemptLines(attempt) })),
    ...message.history.map(({ at, what, detail }) => ({
      at,
      lines: [`${what.padEnd(10)}  ${clock(at)}${detail === "" ? "" : `: ${visible(detail, 1000)}`}`],
    })),
  ].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return [
    message.id,
    ...facts.map(([name, text]) => `${name.padEnd(10)}  ${text}`),
    ...happened.flatMap(({ lines }) => lines),
  ].join("\n");
}

function attemptLines({
  at,
  upstream,
  session,
  inDoubt,
  results,
}: QueueDetail["attempts"][number]): string[] {
  return [
    `attempt     ${clock(at)} at ${visible(upstream)}, session ${visible(session)}${inDoubt ? ", in doubt: it may have arrived" : ""}`,
    ...(results.length === 0 ? ["            its outcome was never written: sluice was ended"] : []),
    ...results.map(
      (result) => `            ${visible(result.recipient)}: ${result.outcome}: ${visible(result.reply)}`,
    ),
  ];
}

export function statsText({ states, oldest, budget }: QueueStats & { readonly budget: Budgets }): string {
  const line = (name: string, figure: string) => `${name.padEnd(10)}${figure.padStart(8)}`;
  return [
    ...Object.entries(states).map(([state, count]) => line(state, grouped(count))),
    line("oldest", oldest === null ? "-" : ageText(oldest)),
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
