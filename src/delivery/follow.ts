/**
 * A job made to follow its file, after a change that no attempt made: a verb of an operator, another account.
 *
 * Promises: afterwards the message has one job, in the queue of its account, due as its file says; when Redis does not
 * take that, recovery is asked to see to it. Never rejects.
 */
import type { Queues } from "../queue/queues.ts";
import type { StoredEntry } from "../spool/entry.ts";
import type { MessageState } from "../spool/state.ts";
import { jobFor } from "./job.ts";

export interface FollowParts {
  readonly queues: Pick<Queues, "find">;
  readonly now: () => number;
  /** The jobs do not say what the files say: derive them again, due times included. */
  readonly recover: (reason: string) => void;
}

/** Makes the job what the state asks for. `before`: the account in whose queue it is. */
export function follow(
  parts: FollowParts,
  entry: Pick<StoredEntry, "id" | "account" | "class">,
  state: Exclude<MessageState, { kind: "settled" }>,
  before = entry.account,
): Promise<void> {
  return jobs(parts, async () => {
    const queue = parts.queues.find(entry.account);
    if (!queue) return parts.recover("an operator changed a message that has no queue yet");
    if (before !== entry.account) await parts.queues.find(before)?.remove(entry.id);
    await queue.remove(entry.id);
    await queue.add([jobFor(entry, state, parts.now())], parts.now());
  });
}

/** Changes jobs; what Redis does not take is left to recovery. */
export async function jobs(
  { recover }: Pick<FollowParts, "recover">,
  change: () => Promise<void>,
): Promise<void> {
  await change().catch(() => recover("a job could not be changed for an operator"));
}
