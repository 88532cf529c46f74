/**
 * When the waiting mail of an account will go, and why not now: for people who ask.
 *
 *     expected = now + the wait of its class + messages before it × the interval between two
 *
 * The interval is the pace's own, or the one seen lately where that is longer: other hosts that share the budget,
 * recipients and bytes slow us down. Where a breaker is open it is the next probe: before that nothing goes.
 * Promises: an estimate, said as one; asks Redis for the messages that are asked about, in as few calls as it takes.
 * Refuses to guess while a probe is under way, or where nothing holds the mail up: then it goes as fast as it can.
 */
import type { Pacer } from "../pacing/pacer.ts";
import type { AccountQueue } from "../queue/account-queue.ts";
import type { MessageClass } from "../schedule/pace.ts";
import type { Gate } from "./gate.ts";
import type { Work } from "./work.ts";

export interface Outlook {
  /** What holds up due mail of this class, if something does. */
  reason(messageClass: MessageClass): string | undefined;
  /** When a due message will be said, milliseconds since 1970, if that can be told. */
  expectedMs(id: string, messageClass: MessageClass): number | undefined;
}

/** A message that is asked about. */
export interface InLine {
  readonly id: string;
  readonly class: MessageClass;
}

export const NO_OUTLOOK: Outlook = { reason: () => undefined, expectedMs: () => undefined };

/** `nextMs`: when that may be over, milliseconds since 1970, if that is known. */
export function stoppedBy(reason: string, nextMs?: number): Outlook {
  return { reason: () => reason, expectedMs: () => nextMs };
}

export interface OutlookParts {
  readonly queue: Pick<AccountQueue, "positions" | "waiting">;
  readonly gate: Pick<Gate, "reason" | "waitMs">;
  readonly pacer: Pick<Pacer, "used" | "perHour">;
  readonly bulkHeld: () => string | undefined;
  readonly now: () => number;
}

/** Of an account; it can tell when these messages are expected to go. */
export async function outlookOf(
  parts: OutlookParts,
  { budget }: Pick<Work, "budget">,
  messages: readonly InLine[],
): Promise<Outlook> {
  const { queue, gate, pacer, bulkHeld, now } = parts;
  if (gate.reason !== undefined)
    return stoppedBy(gate.reason, gate.waitMs === 0 ? undefined : now() + gate.waitMs);
  const held = (messageClass: MessageClass) => (messageClass === "bulk" ? bulkHeld() : undefined);
  if (!budget.paced) return { ...NO_OUTLOOK, reason: held };
  const nowMs = now();
  const places = (name: MessageClass) =>
    queue.positions(
      name,
      messages.filter((message) => message.class === name).map(({ id }) => id),
    );
  const [used, urgentWaiting, urgent, bulk] = await Promise.all([
    pacer.used(),
    queue.waiting("urgent"),
    places("urgent"),
    places("bulk"),
  ]);
  const positions = { urgent, bulk };
  return {
    reason: (messageClass) =>
      held(messageClass) ??
      `it goes at the account's pace: ${used} of ${pacer.perHour} messages in the last 60 minutes`,
    expectedMs: (id, messageClass) => {
      const position = positions[messageClass].get(id);
      if (position === undefined || held(messageClass) !== undefined) return undefined;
      const before = position + (messageClass === "bulk" ? urgentWaiting : 0);
      return nowMs + budget.knownWaitMs(messageClass) + before * budget.intervalMs(messageClass);
    },
  };
}
