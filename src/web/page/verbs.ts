/**
 * What an operator may do with a message in each state, and how the page asks first.
 *
 * Promises: pure. What the page offers is what the agent would accept (src/spool/verb.ts); the agent has the last word.
 */
import type { QueueRow, Verb } from "./api.ts";

export interface Question {
  /** On the button. */
  readonly label: string;
  /** What will happen, for the dialog. */
  readonly says: string;
  /** The reason's label; absent: there is none to give. */
  readonly reason?: string;
  /** There is no way back. */
  readonly isFinal: boolean;
}

export const QUESTIONS: Readonly<Record<Verb, Question>> = {
  retry: {
    label: "Retry now",
    says: "It is tried as soon as the budget allows, whatever it waited for. Who already has it does not get it again.",
    isFinal: false,
  },
  hold: {
    label: "Hold",
    says: "It stays in the queue and does not go out until it is released.",
    reason: "Reason, shown to whoever looks at it next",
    isFinal: false,
  },
  release: { label: "Release", says: "It goes out as soon as the budget allows.", isFinal: false },
  bounce: {
    label: "Bounce",
    says: "It is given up for everybody who has not got it yet, and its sender gets a notice where the config says so. It can be retried while it is kept.",
    reason: "Reason, written into the notice",
    isFinal: false,
  },
  delete: {
    label: "Delete",
    says: "Its file goes, without a notice to anybody. Who has not got it yet never will. There is no way back.",
    isFinal: true,
  },
};

const BY_STATE: Readonly<Record<QueueRow["state"], readonly Verb[]>> = {
  incoming: ["retry", "hold", "bounce", "delete"],
  deferred: ["retry", "hold", "bounce", "delete"],
  active: [],
  held: ["release", "bounce", "delete"],
  bounced: ["retry", "delete"],
};

/** Those that make sense now, the likeliest first. */
export function verbsFor({ state, reason, nextAttempt }: QueueRow): readonly Verb[] {
  // Shown as held because its pair is stopped: nobody parked it, so there is nothing to release.
  const isPairStopped =
    state === "held" && (nextAttempt !== null || reason?.startsWith("its pair is stopped"));
  return BY_STATE[isPairStopped ? "deferred" : state];
}
