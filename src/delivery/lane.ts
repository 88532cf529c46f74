/**
 * One session at work: while it is good, the next due message within the budget is fetched and delivered on it.
 *
 *     due? ─▶ budget? ─▶ fetch ─▶ charge ─▶ deliver;  nothing to do for too long ─▶ the lane ends, its owner says QUIT
 *
 * Promises (P5): the budget is asked before a message is fetched and charged before its MAIL, which follows within five
 * seconds; the next message out is the most urgent one at that moment; no job sleeps as active.
 */
import type { Fetched } from "../queue/account-queue.ts";
import type { MessageClass, Weight } from "../schedule/pace.ts";
import type { Session } from "../upstream/session.ts";
import { type DeliverParts, deliver } from "./deliver.ts";
import type { Gate } from "./gate.ts";
import type { SessionSlots } from "./session-slots.ts";
import type { Work } from "./work.ts";

/** How long a lane waits, with its session open, for work or for the budget. */
export const IDLE_MS = 10_000;
const SESSION_AGE_MS = 300_000;
const MISSES = 3;

export interface LaneParts extends DeliverParts {
  readonly slots: SessionSlots;
  readonly gate: Gate;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
  /** Is nothing to be fetched any more? */
  readonly stopping: () => boolean;
  /** How many lanes the account has now. */
  readonly lanes: () => number;
}

/** Runs until the session is of no use, or nobody needs it. Rejects when Redis or the disk failed. */
export async function runLane(parts: LaneParts, work: Work, session: Session): Promise<void> {
  const end = parts.elapsed() + SESSION_AGE_MS;
  let misses = 0;
  while (session.usable && !parts.stopping() && parts.elapsed() < end) {
    if (!(await work.isDue())) {
      if (await idleOut(parts, work)) return;
      continue;
    }
    const messageClass = await whatToFetch(parts, work);
    if (!messageClass) return;
    const fetched = await work.fetch(messageClass);
    if (!fetched) {
      work.nothingDue();
      // Another lane may have been quicker; that what is due is never to be had must not keep us busy.
      if (++misses === MISSES) return work.pause.breath();
    } else if (!(await one(parts, work, { session, fetched }))) return;
  }
}

/** Delivers one message; false when the session is of no use any more. */
async function one(
  parts: LaneParts,
  work: Work,
  { session, fetched }: { session: Session; fetched: Fetched },
): Promise<boolean> {
  try {
    const charge = (weight: Weight) => work.charge(fetched, weight);
    const attempted = await deliver(parts, session, { fetched, charge });
    work.pause.worked();
    if (attempted.deferred) work.changed.wake();
    const first = session.mails === (attempted.mailSaid ? 1 : 0);
    if (attempted.mailSaid || attempted.blamed) parts.gate.attempted({ ...attempted, first });
    return attempted.blamed === undefined;
  } finally {
    work.done(fetched);
  }
}

/** Waits, idle, for something to do; true when the session should rather be closed. */
async function idleOut({ slots, stopping }: LaneParts, work: Work): Promise<boolean> {
  if (slots.contended || stopping()) return true;
  work.changed.wake(); // so that somebody wakes us when the next one is due
  return !(await work.idle.wait(IDLE_MS));
}

/** Waits until a message may be fetched, and says of which class; undefined when another session, or none, should wait. */
async function whatToFetch(parts: LaneParts, work: Work): Promise<MessageClass | undefined> {
  while (!parts.stopping()) {
    if (!(await work.isDue())) return undefined;
    const may = await work.mayFetch();
    if ("fetch" in may) return may.fetch;
    work.moved();
    const leave = parts.stopping() || parts.lanes() > 1 || parts.slots.contended;
    if (leave || may.waitMs > IDLE_MS) return undefined;
    await work.idle.wait(may.waitMs);
  }
  return undefined;
}
