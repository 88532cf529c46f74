/**
 * What an operator may ask of one message, and what that writes into its file: retry, hold, release, bounce, delete.
 *
 *     retry    pending, bounced ──▶ pending   due at once, also for whoever was given up
 *     hold     pending          ──▶ held      parked until it is released
 *     release  held             ──▶ pending   due at once
 *     bounce   pending, held    ──▶ bounced   whoever is still pending is given up
 *     delete   any              ──▶ gone      (no record: the file goes)
 *
 * Promises: pure; each prefix of the records that it asks for is a state that makes sense.
 * Refuses (as a sentence) what the message's state makes no sense of, and to let go what has no account to go through.
 */
import type { SpoolEntry, SpoolRecord } from "./entry.ts";
import { type MessageState, messageState } from "./state.ts";

export const VERBS = ["retry", "hold", "release", "bounce", "delete"] as const;
export type Verb = (typeof VERBS)[number];

/** What came of a verb. `unreadable`: its file cannot be read; it can be deleted, and nothing else. */
export type VerbResult =
  | { readonly done: true; readonly was: WasState; readonly is: IsState }
  | {
      readonly done: false;
      /** `active`: in a session now, may be asked again in a moment. */
      readonly refused: "gone" | "active" | "not possible";
      /** Its state, where that was known. */
      readonly is?: WasState;
      /** A sentence for the operator. */
      readonly why: string;
    };
type WasState = Exclude<MessageState["kind"], "settled"> | "unreadable";
type IsState = Exclude<MessageState["kind"], "settled"> | "gone";

/** The states that a verb makes sense for: the arrows above. */
const FROM: Readonly<Record<Verb, readonly MessageState["kind"][]>> = {
  retry: ["pending", "bounced"],
  hold: ["pending"],
  release: ["held"],
  bounce: ["pending", "held"],
  delete: ["pending", "held", "bounced"],
};

/** Whether a verb makes sense for a message in this state; it may be refused for another reason all the same. */
export function makesSense(verb: Verb, state: WasState | "settled"): boolean {
  return FROM[verb].some((kind) => kind === state);
}

/** What is asked of the message, and when (milliseconds since 1970). */
export interface Asked {
  readonly entry: SpoolEntry;
  readonly records: readonly SpoolRecord[];
  readonly at: number;
  /** The operator's words, for hold and bounce. */
  readonly reason?: string | undefined;
  /** Is this account in the config? */
  readonly hasAccount: (name: string) => boolean;
}

/** What to append, or why not. The message is not settled. */
export function recordsFor(
  verb: Exclude<Verb, "delete">,
  { entry, records, at, reason, hasAccount }: Asked,
): { readonly append: readonly SpoolRecord[] } | { readonly why: string } {
  const state = messageState(entry, records);
  const cannotGo = () => noWayOut(entry, hasAccount);
  switch (verb) {
    case "retry": {
      if (state.kind === "held") return { why: `it is held (${state.reason}): release it` };
      const why = cannotGo();
      if (why !== undefined) return { why };
      const retried: SpoolRecord = { at, event: "retried" };
      // It was held when it was given up: whoever has it tried again does not want it parked again.
      const parked = messageState(entry, [...records, retried]).kind === "held";
      return { append: parked ? [{ at, event: "released" }, retried] : [retried] };
    }
    case "hold":
      if (state.kind === "held") return { why: `it is held already: ${state.reason}` };
      if (state.kind === "bounced")
        return { why: "it was given up, nothing of it goes out: retry or delete it" };
      return { append: [{ at, event: "held", reason: reason ?? "held by an operator" }] };
    case "release": {
      if (state.kind !== "held") return { why: `it is not held, it is ${wordFor(state)}` };
      const why = cannotGo();
      return why === undefined ? { append: [{ at, event: "released" }] } : { why };
    }
    case "bounce":
      if (state.kind === "bounced") return { why: `it was given up already: ${state.reason}` };
      return {
        append: [
          {
            at,
            event: "bounced",
            recipients: state.ledger.pending,
            reason: reason ?? "given up by an operator",
          },
        ],
      };
  }
}

/** Why it cannot go out whatever is asked, with the remedy; undefined when it can. */
function noWayOut({ account, why }: SpoolEntry, hasAccount: Asked["hasAccount"]): string | undefined {
  if (account === null)
    return `it has no account to go through (${why}): add its sender to accounts[].senders or senders.rewrite, reload, then run sluice queue repolicy`;
  if (hasAccount(account)) return undefined;
  return `its account ${account} is not in the config: put it back and reload`;
}

function wordFor({ kind }: MessageState): string {
  return kind === "bounced" ? "bounced: retry it" : "waiting for its turn";
}
