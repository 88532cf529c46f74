/**
 * Lives of messages as people read them in a terminal: a heading, then a line for each fact, the outcome last.
 *
 * Promises: no byte of a stranger reaches the terminal as it came; replies verbatim but for that; times are local.
 */
import type { JournalLine } from "../journal/journal.ts";
import { visible } from "../mail/reply.ts";
import { plainText } from "../mail/subject.ts";
import type { Accepted, Repolicied } from "../observe/facts.ts";
import { clock, counted } from "../observe/figures.ts";
import { routeChange } from "../spool/route.ts";
import type { Life, NoticeAbout } from "./life.ts";
import type { TraceAnswer, TraceQuestion } from "./trace.ts";

const MOST_RECIPIENTS = 10;
const SUBJECT_LENGTH = 200;

/** All that was found, newest first; says when there is more. */
export function traceText({ messages, more }: Pick<TraceAnswer, "messages" | "more">): string {
  const total = `-- ${counted(messages.length, "message")}`;
  const rest = more ? ", the newest; there are older ones: see --limit, --since and --until" : "";
  return [...messages.map(lifeText), total + rest].join("\n\n");
}

/** Why nothing was found, and what else may be tried. */
export function nothingFound(
  { term, sinceMs, untilMs }: TraceQuestion,
  { from, history }: { readonly from: string | null; readonly history: string | undefined },
): string {
  const bounds = [
    ...(sinceMs === undefined ? [] : [` since ${clock(new Date(sinceMs).toISOString())}`]),
    ...(untilMs === undefined ? [] : [` until ${clock(new Date(untilMs).toISOString())}`]),
  ].join("");
  const memory =
    from === null
      ? "the journal is empty"
      : `the journal remembers from ${from} on${history === undefined ? "" : ` (keep.history: ${history})`}`;
  const at = term.lastIndexOf("@");
  const wider = [
    ...(bounds === "" ? [] : ["leave out --since and --until"]),
    ...(at > 0 ? [`ask for all of ${visible(term.slice(at).replace(/>$/, ""))}`] : []),
    "ask for the sender, a recipient or the queue id from the reply 250",
  ];
  return `Nothing is known of ${visible(term)}${bounds}: ${memory}. To search wider, ${wider.join(", or ")}.`;
}

function lifeText(life: Life): string {
  const { id, messageId, sender, from, subject, account, user, notice } = life;
  const shown = (text: string | null) => (text === null ? "?" : visible(text));
  const heading: [string, string | null][] = [
    ["from", from === null || from === sender ? shown(sender) : `${shown(from)}, envelope ${shown(sender)}`],
    ["to", life.recipients.length === 0 ? null : people(life.recipients)],
    ["subject", subject && plainText(subject, SUBJECT_LENGTH)],
    ["message-id", messageId && visible(messageId)],
    ["account", account && visible(account)],
    ["user", user && visible(user)],
    ["notice", notice && noticeText(notice)],
  ];
  return [
    `${id === null ? "(no queue id)" : visible(id)}  ${life.state}`,
    ...heading.flatMap(([name, text]) => (text === null ? [] : `  ${name.padEnd(10)}  ${text}`)),
    ...events(life),
    ...inQueue(life),
  ].join("\n");
}

function noticeText({ kind, of }: NonNullable<Life["notice"]>): string {
  return of === null
    ? `a ${visible(kind)} of ours`
    : `a ${visible(kind)} notice of ours about ${visible(of)}`;
}

/** Facts as they were written, each notice about it before the first fact that is younger. */
function events({ facts, notices }: Life): string[] {
  const lines: string[] = [];
  const untold = [...notices];
  for (const fact of facts) {
    while (untold[0] && untold[0].at < fact.at) lines.push(noticeLine(untold.shift() as NoticeAbout));
    lines.push(eventLine(fact.at, fact.event, factText(fact)));
  }
  return [...lines, ...untold.map(noticeLine)];
}

function noticeLine({ id, kind, at, recipients }: NoticeAbout): string {
  return eventLine(at, "notice", `${visible(kind)} notice ${visible(id)} to ${people(recipients)}`);
}

function eventLine(at: string, what: string, text: string): string {
  return `  ${time(at)}  ${word(what).padEnd(10)}  ${text}`;
}

function time(at: string): string {
  return Number.isNaN(Date.parse(at)) ? visible(String(at)) : clock(at);
}

function factText(fact: JournalLine): string {
  switch (fact.event) {
    case "accepted":
      return `from ${word(fact.client)}, ${word(fact.sizeBytes)} bytes, ${word(fact.class)}, by ${word(fact.rule)}${saidText(fact)}`;
    case "rejected":
      return `at ${word(fact.stage)}, from ${word(fact.client)}: ${word(fact.reply)}`;
    case "delivered":
      return attemptText(fact, fact.reply?.text);
    case "deferred":
      return `${attemptText(fact, fact.reply?.text ?? fact.reason)}; next ${time(fact.next)}`;
    case "bounced":
      return "by" in fact
        ? `${people(fact.recipients)}: by an operator: ${word(fact.reason)}`
        : attemptText(fact, fact.reply?.text ?? fact.reason);
    case "expired":
      return `${people(fact.recipients)}: ${word(fact.reason)}`;
    case "held":
    case "deleted":
      return `${byOperator(fact) ? "by an operator: " : ""}${word(fact.reason)}`;
    case "repolicied":
      return `${routeText(fact)}by ${word(fact.rule)}: ${word(fact.why)}`;
    case "released":
      return `by an operator (${word(fact.verb)})`;
    case "finished":
      return "every recipient has it";
    default:
      return ""; // what a later version wrote down
  }
}

/** What the program said, where something else goes out. */
function saidText({ said }: Partial<Accepted>): string {
  const { sender, from, recipients } = said ?? {};
  const parts = [
    ...(from === undefined ? [] : [`From ${word(from)}`]),
    ...(sender === undefined ? [] : [`envelope ${word(sender)}`]),
    ...(Array.isArray(recipients) ? [`to ${people(recipients)}`] : []),
  ];
  return parts.length === 0 ? "" : `; the program said ${parts.join(", ")}`;
}

/** Whether that is still to be said: the reason of who gave none says it already. */
function byOperator({ by, reason }: { readonly by?: string; readonly reason: string }): boolean {
  return by !== undefined && !String(reason).endsWith("by an operator");
}

function routeText({ was, account, sender, from, class: name }: Partial<Repolicied>): string {
  if (!was) return ""; // of another version
  const now = { account: account ?? null, envelope: sender ?? "", from: from ?? "", class: name ?? "" };
  return `${word(routeChange({ was, now }))}, `;
}

function attemptText(
  fact: Pick<Extract<JournalLine, { event: "delivered" }>, "recipients" | "upstream" | "inDoubt">,
  words: string | undefined,
): string {
  const doubt = fact.inDoubt ? " (in doubt: it may have arrived)" : "";
  return `${people(fact.recipients)} at ${word(fact.upstream)}${doubt}: ${word(words)}`;
}

function inQueue({ inQueue, state, reason, nextAttempt }: Life): string[] {
  if (!inQueue) return [];
  const next = nextAttempt === null ? "" : `; next attempt ${time(nextAttempt)}`;
  return [`  ${"now".padEnd(19)}  ${state}${reason === null ? "" : `: ${visible(reason)}`}${next}`];
}

/** Whatever stands in a fact; a journal on disk may hold anything. */
function word(value: unknown): string {
  return visible(String(value));
}

function people(recipients: readonly unknown[]): string {
  if (!Array.isArray(recipients)) return "?";
  const shown = recipients.slice(0, MOST_RECIPIENTS).map(word);
  const others = recipients.length - shown.length;
  return `${shown.join(", ")}${others === 0 ? "" : ` and ${others} more`}`;
}
