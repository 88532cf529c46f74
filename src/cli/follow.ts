/**
 * One message from its 250 to its end, step by step as it happens: for `send-test` and the demo.
 *
 * Promises: steps come from the journal, where every fact stands before anything else is done about it, and in its order;
 * why it waits comes from the agent. The upstream's words are told as it said them, made visible.
 * Refuses: messages for several recipients, whose outcomes may differ: the first outcome ends it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { QueueDetail } from "../control/queue-view.ts";
import { advanced, type Marks, readOn } from "../journal/tail.ts";
import { visible } from "../mail/reply.ts";
import type { Fact } from "../observe/facts.ts";
import { clock } from "../observe/figures.ts";

/** How often is looked. */
const EVERY_MS = 100;
const WORDS_LENGTH = 1000;

/** `held`: it goes no further by itself. */
export type Outcome = "delivered" | "bounced" | "held";

export interface Step {
  /** ISO 8601. */
  readonly at: string;
  readonly step: Fact["event"] | "rule" | "waits";
  /** One sentence for people, with the upstream's reply where there is one. */
  readonly text: string;
  /** It was the last step. */
  readonly outcome?: Outcome;
}

export interface Followed {
  /** Queue id. */
  readonly id: string;
  readonly journalFolder: string;
  /** Where the journal ended before the message was submitted. */
  readonly marks: Marks;
  /** What the agent says of the message; undefined when it is not in the queue, or nobody is asked. */
  readonly ask: () => Promise<QueueDetail | undefined>;
  /** Ends the following without an outcome. */
  readonly signal: AbortSignal;
}

/** Ends after the step that has an outcome, or when `signal` says so. */
export async function* follow({ id, journalFolder, ask, signal, ...from }: Followed): AsyncGenerator<Step> {
  let { marks } = from;
  let accepted = false;
  let told = "";
  while (!signal.aborted) {
    for await (const piece of readOn(journalFolder, marks, (text) => text.includes(id))) {
      marks = advanced(marks, piece);
      for (const { line } of piece.lines) {
        if (line.id !== id) continue;
        accepted = true;
        for (const step of stepsOf(line, line.at)) {
          yield step;
          if (step.outcome !== undefined) return;
        }
      }
    }
    const waits = accepted ? waitText(await ask()) : undefined;
    // A time that is estimated anew, or a count, is no news.
    if (waits !== undefined && withoutFigures(waits) !== told) {
      told = withoutFigures(waits);
      yield { at: new Date().toISOString(), step: "waits", text: waits };
    }
    await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
  }
}

function withoutFigures(text: string): string {
  return text.replace(/\d+/g, "");
}

/** What a fact tells of its message; nothing for those that follow from others. */
export function stepsOf(fact: Fact, at: string): Step[] {
  switch (fact.event) {
    case "accepted":
      return [
        { at, step: "accepted", text: visible(`as ${fact.id}, for ${fact.recipients.join(", ")}`) },
        {
          at,
          step: "rule",
          text: visible(
            `${fact.account === null ? "none for" : "goes out with"} From ${fact.from}, envelope ${fact.sender ?? "<>"} (${fact.rule})`,
          ),
        },
      ];
    case "rejected":
      return [{ at, step: "rejected", text: visible(fact.reply, WORDS_LENGTH), outcome: "bounced" }];
    case "delivered":
      return [
        {
          at,
          step: "delivered",
          text: visible(`${fact.upstream} said: ${fact.reply.text}`, WORDS_LENGTH),
          outcome: "delivered",
        },
      ];
    case "deferred":
      return [
        {
          at,
          step: "deferred",
          text: visible(`${fact.reason}; next attempt at ${clock(fact.next)}`, WORDS_LENGTH),
        },
      ];
    case "bounced":
    case "expired":
    case "deleted":
      return [{ at, step: fact.event, text: visible(fact.reason, WORDS_LENGTH), outcome: "bounced" }];
    case "held":
      return [{ at, step: "held", text: visible(fact.reason, WORDS_LENGTH), outcome: "held" }];
    case "released":
      return [{ at, step: "released", text: `by an operator (${fact.verb})` }];
    case "finished":
      return [];
    default:
      return [];
  }
}

/** Why it is not on its way; undefined when it is, or when facts have told. */
function waitText(message: QueueDetail | undefined): string | undefined {
  if (message?.reason == null || message.state === "active") return undefined;
  if (message.attempts.length > 0 && message.state === "deferred") return undefined;
  const next = message.nextAttempt === null ? "" : `; next attempt at ${clock(message.nextAttempt)}`;
  return visible(`because ${message.reason}${next}`, WORDS_LENGTH);
}
