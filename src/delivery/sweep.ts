/**
 * Clears bounced messages away when they were kept long enough (config `keep.bounced`).
 *
 * Promises: only what is bounced, and longer ago than asked, goes; each one is told. Until then it stays in the
 * spool, visible, so that it can be retried. Refuses to touch a file that it cannot read.
 */
import type { Events } from "../observe/events.ts";
import type { AccountQueue } from "../queue/account-queue.ts";
import { type Queues, UNASSIGNED } from "../queue/queues.ts";
import { timeOfQueueId } from "../spool/queue-id.ts";
import type { Spool } from "../spool/spool.ts";
import { messageState } from "../spool/state.ts";

export interface SweepParts {
  readonly spool: Pick<Spool, "open" | "remove">;
  readonly queues: Queues;
  readonly events: Events;
  /** How long a bounced message stays. */
  readonly keepMs: () => number;
  /** Runs `work` while no verb of an operator changes a file. */
  readonly exclusively: <T>(work: () => Promise<T>) => Promise<T>;
  readonly now: () => number;
}

/** Goes through all bounced messages once. Rejects when Redis or the disk does not answer: the next one goes on. */
export async function sweepBounced(parts: SweepParts): Promise<void> {
  for (const queue of parts.queues.all()) {
    const old: string[] = [];
    // What was accepted later than this cannot have been bounced long enough ago.
    const limitMs = parts.now() - parts.keepMs();
    // Nobody fetches what has no account: given up by an operator, its job stays where it was put.
    const states = queue.account === UNASSIGNED ? (["bounced", "incoming"] as const) : (["bounced"] as const);
    for (const state of states)
      await queue.eachPage(state, (ids) => void old.push(...ids.filter((id) => timeOfQueueId(id) < limitMs)));
    for (const id of old) await parts.exclusively(() => sweepOne(parts, queue, id)); // it may be retried meanwhile
  }
}

async function sweepOne(parts: SweepParts, queue: AccountQueue, id: string): Promise<void> {
  const opened = await parts.spool.open(id).catch(() => undefined);
  if (!opened) return;
  if (!opened.ok) {
    if (opened.why === "gone") await queue.remove(id);
    return;
  }
  await using message = opened.message;
  const { entry } = message;
  const state = messageState(entry, message.records);
  if (state.kind !== "bounced" || state.atMs >= parts.now() - parts.keepMs()) return;
  const common = { id, account: entry.account, sender: entry.envelope.sender };
  await parts.events.fact({ event: "deleted", ...common, reason: "bounced and kept for keep.bounced" });
  await parts.spool.remove(id);
  await queue.remove(id);
}
