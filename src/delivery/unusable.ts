/**
 * Jobs that cannot be worked on: their file is gone, corrupt or not to be had, or they are not of our making.
 *
 * Promises: each is alarmed and out of the way of the others; none is taken for delivered but on the journal's word.
 * What is parked here while its file is good gets a job again at the next recovery.
 */
import type { Fetched } from "../queue/account-queue.ts";
import { retryDelayMs } from "../schedule/backoff.ts";
import type { StoredEntry } from "../spool/entry.ts";
import type { DeliverParts } from "./deliver.ts";

/** The file is gone, or `corrupt` says what is wrong with it. */
export async function withoutFile(
  parts: DeliverParts,
  fetched: Fetched,
  corrupt: string | undefined,
): Promise<void> {
  if (corrupt === undefined && (await parts.wasFinished(fetched.id))) return parts.queue.complete(fetched);
  const reason =
    corrupt === undefined ? "its spool file is gone" : `its spool file cannot be read: ${corrupt}`;
  return park(parts, fetched, reason);
}

/** Nothing can be done with it. */
export function park(parts: DeliverParts, fetched: Fetched, reason: string): Promise<void> {
  alarm(parts, fetched, reason);
  return parts.queue.bounce(fetched, reason);
}

/** The disk does not give it to us now: it is tried again later. */
export function unreadable(parts: DeliverParts, fetched: Fetched, error: Error): Promise<void> {
  alarm(parts, fetched, `its spool file cannot be opened: ${error.message}`);
  return parts.queue.defer(fetched, parts.now() + retryDelayMs(parts.retry, 0, parts.random));
}

/** Policy gave its message another account, and a crash kept the job from following: it does now. */
export async function misplaced(
  parts: Pick<DeliverParts, "queue" | "enqueue">,
  fetched: Fetched,
  entry: StoredEntry,
): Promise<void> {
  await parts.queue.putBack(fetched); // what is active cannot be removed; whoever fetches it now does the same
  await parts.queue.remove(fetched.id);
  parts.enqueue(entry);
}

function alarm(parts: DeliverParts, { id }: Fetched, reason: string): void {
  parts.events.report("trouble", { part: "spool", id, account: parts.queue.account, reason }, "error");
}
