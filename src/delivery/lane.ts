/**
 * One session at work: while it is good, the next due message within the budget is fetched and delivered on it.
 *
 *     due? ─▶ budget? ─▶ fetch ─▶ deliver;  nothing to do for too long ─▶ the lane ends, its owner says QUIT
 *
 * Promises (P5): the budget is charged before a message is fetched, and MAIL follows within five seconds of its charge;
 * the next message out is the most urgent one at that moment; no job sleeps as active.
 */

import type { Fetched } from "../queue/account-queue.ts";
import type { Session } from "../upstream/session.ts";
import type { Charge } from "./budget.ts";
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
    const charge = await takeCharge(parts, work);
    if (!charge) return;
    const fetched = await work.fetch();
    if (!fetched) {
      work.budget.giveBack(charge);
      work.nothingDue();
      // Another lane may have been quicker; that what is due is never to be had must not keep us busy.
      if (++misses === MISSES) return work.pause.breath();
    } else if (!(await one(parts, work, { session, fetched, charge }))) return;
  }
}

/** Delivers one message; false when the session is of no use any more. */
async function one(
  parts: LaneParts,
  work: Work,
  { session, fetched, charge }: { session: Session; fetched: Fetched; charge: Charge },
): Promise<boolean> {
  try {
    const attempted = await deliver(parts, session, { fetched, mayStillMail: charge.valid });
    work.pause.worked();
    if (!attempted.mailSaid) work.budget.giveBack(charge);
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

/** Takes a charge; undefined when another session, or none, should wait for the budget. */
async function takeCharge(parts: LaneParts, work: Work): Promise<Charge | undefined> {
  while (!parts.stopping()) {
    const taken = await work.budget.take();
    if ("charge" in taken) return taken.charge;
    work.moved();
    const leave = parts.stopping() || parts.lanes() > 1 || parts.slots.contended;
    if (leave || taken.waitMs > IDLE_MS) return undefined;
    await work.idle.wait(taken.waitMs);
  }
  return undefined;
}
