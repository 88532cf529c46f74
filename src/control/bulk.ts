/**
 * A verb on many messages: what came of it, added up for people and for programs.
 *
 * Promises: every message is in exactly one figure. One that changed since it was counted (delivered, say, or held by
 * somebody else) is no failure: what was asked makes no sense for it any more. The shape is stable; no byte of a
 * stranger reaches the terminal as it came.
 */
import { visible } from "../mail/reply.ts";
import { counted, grouped } from "../observe/figures.ts";
import { makesSense, type Verb, type VerbResult } from "../spool/verb.ts";

/** Ids in one request for a verb. */
export const BULK_IDS = 500;

/** What came of a verb; `failed`: the agent met trouble, with its disk say, or was not there any more. */
export type Outcome = VerbResult | { readonly done: false; readonly refused: "failed"; readonly why: string };
export type IdOutcome = { readonly id: string } & Outcome;

export interface BulkResult {
  readonly verb: Verb;
  /** Messages that were counted. */
  readonly matched: number;
  readonly done: number;
  /** Changed since they were counted: nothing was to be done. */
  readonly changed: number;
  /** Not done, by reason, the most frequent first. */
  readonly refused: readonly {
    readonly why: string;
    readonly count: number;
    readonly ids: readonly string[];
  }[];
}

const REASONS = 10;
const IDS = 3;

/** How each verb is said; `%` is what it is done to. */
export const SAID: Readonly<Record<Verb, { readonly ask: string; readonly done: string }>> = {
  retry: { ask: "Retry %", done: "retried" },
  hold: { ask: "Hold %", done: "held" },
  release: { ask: "Release %", done: "released" },
  bounce: { ask: "Give up %", done: "given up" },
  delete: { ask: "Delete % for good", done: "deleted" },
};

/** Adds up what came of `verb`. */
export function bulkResult(verb: Verb, outcomes: readonly IdOutcome[]): BulkResult {
  const reasons = new Map<string, string[]>();
  let done = 0;
  let changed = 0;
  for (const outcome of outcomes) {
    if (outcome.done) done++;
    else if (hasChanged(verb, outcome)) changed++;
    else {
      const others = reasons.get(outcome.why);
      if (others) others.push(outcome.id);
      else reasons.set(outcome.why, [outcome.id]);
    }
  }
  const refused = [...reasons].map(([why, ids]) => ({ why, count: ids.length, ids }));
  refused.sort((a, b) => b.count - a.count);
  return { verb, matched: outcomes.length, done, changed, refused };
}

function hasChanged(verb: Verb, outcome: Exclude<Outcome, { done: true }>): boolean {
  if (outcome.refused === "gone") return true;
  return outcome.refused === "not possible" && outcome.is !== undefined && !makesSense(verb, outcome.is);
}

/** Lines for a terminal. */
export function bulkText({ verb, matched, done, changed, refused }: BulkResult): string {
  if (matched === 0) return `Nothing to ${verb}: no message in the queue matches.`;
  const notDone = matched - done - changed;
  const total = [
    `${SAID[verb].done}: ${grouped(done)} of ${counted(matched, "message")}`,
    ...(changed === 0 ? [] : [`changed meanwhile (delivered, say): ${grouped(changed)}`]),
    ...(notDone === 0 ? [] : [`not done: ${grouped(notDone)}`]),
  ].join("; ");
  const reasons = refused.slice(0, REASONS).map(({ why, count, ids }) => {
    const some = ids.slice(0, IDS).join(", ") + (count > IDS ? ", …" : "");
    return `  ${grouped(count)} × ${visible(why)} (${some})`;
  });
  const rest = refused.slice(REASONS).reduce((sum, { count }) => sum + count, 0);
  return [total, ...reasons, ...(rest === 0 ? [] : [`  ${grouped(rest)} × other reasons: see --json`])].join(
    "\n",
  );
}
