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
import { HELD_FROM_MS } from "../queue/account-queue.ts";
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
      const wantedMs = await dueOf(parts, job.id);
      if (wantedMs === undefined || Math.abs(wantedMs - job.dueMs) < SAME_MS) continue;
      await queue.reschedule(job.id, job.class, wantedMs - parts.now());
      moved++;
    }
  }
  return moved;
}

/** When its file says that it is due, milliseconds since 1970. What is over is due at once: its job follows then. */
async function dueOf(
  { spool, now }: Pick<RecoverParts, "spool" | "now">,
  id: string,
): Promise<number | undefined> {
  const opened = await spool.open(id).catch(() => undefined);
  if (!opened?.ok) return opened?.why === "gone" ? now() : undefined;
  await using message = opened.message;
  const state = messageState(message.entry, message.records);
  if (state.kind === "settled") return now();
  return jobFor(message.entry, state, now()).dueMs ?? now();
}
