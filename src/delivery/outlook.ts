/**
 * When the waiting mail of an account will go, and why not now: for people who ask.
 *
 *     expected = now + the wait of its class + messages before it × the interval between two
 *
 * The interval is the pace's own, or the one seen lately where that is longer: other hosts that share the budget,
 * recipients and bytes slow us down. Promises: an estimate, said as one; asks Redis once for all messages of an account.
 * Refuses to guess where a breaker is open, or where nothing holds the mail up: then it goes as fast as it can.
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

export const NO_OUTLOOK: Outlook = { reason: () => undefined, expectedMs: () => undefined };

export function stoppedBy(reason: string): Outlook {
  return { reason: () => reason, expectedMs: () => undefined };
}

export interface OutlookParts {
  readonly queue: Pick<AccountQueue, "positions">;
  readonly gate: Pick<Gate, "reason">;
  readonly pacer: Pick<Pacer, "used" | "perHour">;
  readonly bulkHeld: () => string | undefined;
  readonly now: () => number;
}

export async function outlookOf(parts: OutlookParts, { budget }: Pick<Work, "budget">): Promise<Outlook> {
  const { queue, gate, pacer, bulkHeld, now } = parts;
  if (gate.reason !== undefined) return stoppedBy(gate.reason);
  const held = (messageClass: MessageClass) => (messageClass === "bulk" ? bulkHeld() : undefined);
  if (!budget.paced) return { ...NO_OUTLOOK, reason: held };
  const nowMs = now();
  const [positions, used] = await Promise.all([queue.positions(), pacer.used()]);
  return {
    reason: (messageClass) =>
      held(messageClass) ?? `the hour's budget is used: ${used} of ${pacer.perHour} messages`,
    expectedMs: (id, messageClass) => {
      const position = positions[messageClass].get(id);
      if (position === undefined || held(messageClass) !== undefined) return undefined;
      const before = position + (messageClass === "bulk" ? positions.urgent.size : 0);
      return nowMs + budget.knownWaitMs(messageClass) + before * budget.intervalMs(messageClass);
    },
  };
}
