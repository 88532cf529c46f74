/**
 * The life of a message as steps in time, from its file (while it is in the queue) or from the journal (for ever after).
 *
 * Promises: pure; oldest first; the upstream's words and a client's refusal stand in `verbatim`, as they were said.
 */
import type { JournalFact, QueueDetail } from "./api.ts";
import { bytes, several, span, when } from "./format.ts";

export type Tone = "plain" | "good" | "waits" | "bad";

export interface Step {
  readonly at: string;
  readonly what: string;
  readonly tone: Tone;
  /** A sentence or less; "" when `what` says it all. */
  readonly words: string;
  readonly verbatim: readonly { readonly who: string; readonly reply: string }[];
}

const TONES: Readonly<Record<string, Tone>> = {
  delivered: "good",
  finished: "good",
  deferred: "waits",
  held: "waits",
  incoming: "plain",
  active: "plain",
  bounced: "bad",
  expired: "bad",
  rejected: "bad",
  refused: "bad",
};

/** One word for a refusal, whatever the API calls it. */
export function wordFor(state: string): string {
  return state === "rejected" ? "refused" : state;
}

/** The tone of a state, an outcome or an event. */
export function toneOf(word: string): Tone {
  return TONES[word] ?? "plain";
}

export function stepsOfDetail(detail: QueueDetail): Step[] {
  const accepted: Step = {
    at: detail.acceptedAt,
    what: "accepted",
    tone: "plain",
    words: `${bytes(detail.size)} from ${detail.client.ip} (${detail.client.helo}, ${detail.client.protocol})`,
    verbatim: [],
  };
  const attempts = detail.attempts.map((attempt): Step => {
    const what = outcomeOf(attempt);
    const next = attempt.next === null ? "" : `; next attempt ${when(attempt.next)}`;
    return {
      at: attempt.at,
      what: attempt.inDoubt ? `${what}, in doubt` : what,
      tone: attempt.inDoubt ? "waits" : toneOf(what),
      words: `attempt at ${attempt.upstream}, session ${attempt.session}${next}`,
      verbatim: grouped(attempt.results.map(({ recipient, reply }) => ({ who: recipient, reply }))),
    };
  });
  const rest = detail.history.map(
    ({ at, what, detail: words }): Step => ({ at, what, tone: toneOf(what), words, verbatim: [] }),
  );
  return [accepted, ...attempts, ...rest].sort((a, b) => a.at.localeCompare(b.at));
}

/** The worst that came of it for anybody. */
function outcomeOf({ results }: QueueDetail["attempts"][number]): string {
  const outcomes = new Set(results.map(({ outcome }) => outcome));
  return ["bounced", "deferred", "delivered"].find((outcome) => outcomes.has(outcome)) ?? "attempt";
}

/** A hundred recipients with the same reply are one line. */
function grouped(replies: readonly { who: string; reply: string }[]): Step["verbatim"] {
  const byReply = new Map<string, string[]>();
  for (const { who, reply } of replies) byReply.set(reply, [...(byReply.get(reply) ?? []), who]);
  return [...byReply].map(([reply, who]) => ({ who: several(who, 3), reply }));
}

export function stepsOfFacts(facts: readonly JournalFact[]): Step[] {
  return facts
    .map(
      (fact): Step => ({
        at: String(fact.at),
        what: wordFor(fact.event),
        tone: toneOf(fact.event),
        words: asFarAsThere(() => wordsFor(fact), ""),
        verbatim: asFarAsThere(() => verbatimOf(fact), []),
      }),
    )
    .sort((a, b) => a.at.localeCompare(b.at));
}

/** A fact may lack what facts have, as an older version or a torn disk may leave it: the others are shown all the same. */
function asFarAsThere<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

function wordsFor(fact: JournalFact): string {
  switch (fact.event) {
    case "accepted":
      return `${bytes(fact.sizeBytes)} from ${fact.client}, ${fact.class}, by rule ${fact.rule}${saidWords(fact.said)}`;
    case "rejected":
      return `at ${fact.stage}, from ${fact.client}`;
    case "delivered":
      return `by ${fact.upstream}, session ${fact.session}, ${span(fact.delay)} after it was accepted`;
    case "deferred":
      return `at ${fact.upstream}, session ${fact.session}; next attempt ${when(fact.next)}`;
    case "bounced":
      return "by" in fact
        ? `given up by an operator: ${fact.reason}`
        : `at ${fact.upstream}, session ${fact.session}`;
    case "expired":
    case "held":
    case "deleted":
      return fact.reason;
    case "released":
      return fact.verb === "retry" ? "to be tried at once, by an operator" : "by an operator";
    case "repolicied":
      return `policy was run again: From ${fact.was.from} → ${fact.from}, by rule ${fact.rule}: ${fact.why}`;
    case "finished":
      return "nobody is left to be sent to";
    default:
      return "";
  }
}

/** What the program said, where something else goes out. */
function saidWords(said: Extract<JournalFact, { event: "accepted" }>["said"]): string {
  const { sender, from, recipients } = said ?? {};
  const parts = [
    ...(from === undefined ? [] : [`From ${from}`]),
    ...(sender === undefined ? [] : [`envelope ${sender}`]),
    ...(recipients === undefined ? [] : [`to ${several(recipients, 3)}`]),
  ];
  return parts.length === 0 ? "" : `; the program said ${parts.join(", ")}`;
}

function verbatimOf(fact: JournalFact): Step["verbatim"] {
  switch (fact.event) {
    case "rejected":
      return [{ who: several(fact.recipients ?? [], 3), reply: fact.reply }];
    case "delivered":
      return [{ who: several(fact.recipients, 3), reply: fact.reply.text }];
    case "deferred":
      return [{ who: several(fact.recipients, 3), reply: fact.reply?.text ?? fact.reason }];
    case "bounced":
      return "by" in fact
        ? []
        : [{ who: several(fact.recipients, 3), reply: fact.reply?.text ?? fact.reason }];
    default:
      return [];
  }
}
