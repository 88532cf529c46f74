/**
 * Due times, derived again from the files: of all that is deferred after a jump of the wall clock and when a pair may
 * be sent again; of what is held at every recovery, since a Redis that lost its last second has a release no more, and a
 * held job never comes due by itself.
 *
 * Promises: afterwards no such message waits longer than its file says; one whose pair is stopped is deferred again
 * when it is fetched. Goes in batches that yield; what is in order stays untouched.
 * Refuses to judge files it cannot read: they stay as they are.
 */
import { setImmediate as turn } from "node:timers/promises";
import { type Due, HELD_FROM_MS } from "../queue/account-queue.ts";
import { messageState } from "../spool/state.ts";
import { jobFor } from "./job.ts";
import type { RecoverParts } from "./recover.ts";

const BATCH = 200;
/** BullMQ's scores and our times differ by less. */
const SAME_MS = 1000;

/** Returns how many messages are due at another time now. Rejects when Redis does not answer, or at a stop. */
export async function rescheduleDeferred(
  parts: Pick<RecoverParts, "queues" | "spool" | "now" | "stopped">,
  which: "all" | "held",
): Promise<number> {
  let moved = 0;
  for (const queue of parts.queues.all()) {
    const jobs = await queue.deferred(which === "held" ? HELD_FROM_MS : 0);
    for (let i = 0; i < jobs.length; i++) {
      if (i % BATCH === 0) await turn();
      if (parts.stopped())
        throw new Error("Cannot look at all due times as the agent stops: the next start does");
      const job = jobs[i] as (typeof jobs)[number];
      const wanted = await wantedOf(parts, job.id);
      if (wanted === undefined) continue;
      const own = wanted.account === undefined ? queue : parts.queues.find(wanted.account);
      const wantedMs = wanted.dueMs ?? parts.now();
      if (own !== undefined && own !== queue) {
        // A crash came between the message's other account and its job's other queue.
        await queue.remove(job.id);
        await own.add([{ id: job.id, class: wanted.class ?? job.class, dueMs: wantedMs }], parts.now());
      } else if (Math.abs(wantedMs - job.dueMs) < SAME_MS) continue;
      else await queue.reschedule(job.id, job.class, wantedMs - parts.now());
      moved++;
    }
  }
  return moved;
}

/** What its file says: whose it is, and when it is due, milliseconds since 1970. What is over is due at once. */
interface Wanted extends Partial<Due> {
  /** Undefined when there is no file: its job follows where it is. */
  readonly account?: string | null;
}

/** Undefined when the file cannot be read. */
async function wantedOf(
  { spool, now }: Pick<RecoverParts, "spool" | "now">,
  id: string,
): Promise<Wanted | undefined> {
  const opened = await spool.open(id).catch(() => undefined);
  if (!opened?.ok) return opened?.why === "gone" ? {} : undefined;
  await using message = opened.message;
  const { entry } = message;
  const state = messageState(entry, message.records);
  if (state.kind === "settled") return {};
  return { account: entry.account, ...jobFor(entry, state, now()) };
}
