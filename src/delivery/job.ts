/**
 * The job that a message's state asks for: where the file's word becomes the queue's.
 *
 * Promises: pure. One that was given up is due at once: fetched, it is seen to be bounced and its job fails, with
 * nothing sent.
 */
import { type Due, HELD_UNTIL_MS } from "../queue/account-queue.ts";
import type { SpoolEntry } from "../spool/entry.ts";
import { dueMs, type MessageState } from "../spool/state.ts";

/** The job of a message that was just accepted. */
export function firstJobFor({ id, class: name, hold }: SpoolEntry): Due {
  return { id, class: name, ...(hold === undefined ? {} : { dueMs: HELD_UNTIL_MS }) };
}

/** The job for a message in this state. */
export function jobFor(
  { id, class: name }: Pick<SpoolEntry, "id" | "class">,
  state: Exclude<MessageState, { kind: "settled" }>,
  nowMs: number,
): Due {
  switch (state.kind) {
    case "bounced":
      return { id, class: name };
    case "held":
      return { id, class: name, dueMs: HELD_UNTIL_MS };
    case "pending":
      return { id, class: name, dueMs: dueMs(state, nowMs) };
  }
}
