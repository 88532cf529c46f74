/**
 * What the last run wrote into a message's file and did not live to tell log and journal.
 *
 * Two gaps: an attempt that was cut off after its final dot (in doubt), and a record that is in the file and not in the
 * journal. Promises: each is told before anything else is done with the message, and once, but for a crash right then;
 * only what stands at the end of the last run is looked up. The times of what is told are those of the telling.
 */
import type { Events } from "../observe/events.ts";
import type { PastCharge } from "../schedule/pace.ts";
import type { SpoolRecord, StoredEntry } from "../spool/entry.ts";
import type { SpoolMessage } from "../spool/message.ts";
import { interruptedAttempt, messageState } from "../spool/state.ts";
import { attemptOf, chargeFields, tellAttempt } from "./attempt-facts.ts";
import { recordFact } from "./record-facts.ts";

/** How far a line of the journal may be behind the line of the spool that it is about. */
export const SLACK_MS = 10_000;

export interface UntoldParts {
  readonly events: Pick<Events, "fact">;
  readonly now: () => number;
  /** The end of the last run: the time of the journal's last line, and when this run began; milliseconds since 1970. */
  readonly gap: { readonly fromMs: number; readonly toMs: number };
  /** What the journal has of that time: `toldKey` of its lines. */
  readonly told: Set<string>;
}

/** What tells a fact from others: attempts by their session, the rest by what they say. */
export function toldKey(fact: {
  readonly id?: string;
  readonly event: string;
  readonly session?: string;
}): string {
  return `${fact.id} ${fact.session ?? fact.event}`;
}

/** True once for each key that the journal does not have. */
function isNew({ told }: UntoldParts, key: string): boolean {
  if (told.has(key)) return false;
  told.add(key);
  return true;
}

/** Tells what is untold of the message. */
export async function tellUntold(parts: UntoldParts, message: SpoolMessage): Promise<void> {
  const { entry, records } = message;
  const cut = interruptedAttempt(records);
  if (cut) {
    const { upstream, session } = cut;
    await tellInterrupted(parts, message, cut);
    await message.append({
      at: parts.now(),
      event: "attempt",
      upstream,
      session,
      results: [],
      inDoubt: true,
    });
    return;
  }
  const { fromMs, toMs } = parts.gap;
  for (const record of records) {
    if (record.at < fromMs - SLACK_MS || record.at >= toMs) continue;
    if (record.event === "attempt") await tellAttemptIfUntold(parts, message, record);
    const fact = recordFact(entry, record);
    if (fact && isNew(parts, toldKey(fact))) await parts.events.fact(fact);
  }
}

async function tellAttemptIfUntold(
  parts: UntoldParts,
  message: SpoolMessage,
  record: Extract<SpoolRecord, { event: "attempt" }>,
): Promise<void> {
  const { entry } = message;
  const { session, at, upstream, results, inDoubt = false, nextMs = at } = record;
  if (results.length === 0) return; // told before it was written down
  if (!isNew(parts, toldKey({ id: entry.id, event: "attempt", session }))) return;
  // Without a reply and without a doubt no MAIL was said: what cannot be said upstream is found out here.
  const mailSaid =
    inDoubt || results.some((result) => result.status === "delivered" || result.failure.reply !== undefined);
  await tellAttempt(
    parts.events,
    { id: session, upstream },
    {
      entry,
      results,
      inDoubt,
      charged: mailSaid ? chargeOf(entry, at, results.length) : undefined,
      at,
      nextMs,
    },
  );
}

/** It is sent again, and may arrive twice. */
function tellInterrupted(
  { events, now }: UntoldParts,
  message: SpoolMessage,
  { upstream, session, at: cutMs }: { upstream: string; session: string; at: number },
): Promise<void> {
  const { entry, records } = message;
  const at = now();
  const recipients = messageState(entry, records).ledger.pending;
  return events.fact({
    event: "deferred",
    ...attemptOf(entry, { id: session, upstream }, at),
    recipients,
    ...chargeFields(chargeOf(entry, cutMs, recipients.length)),
    inDoubt: true,
    reason: "sluice was ended after the final dot, before the outcome was written: it may have arrived",
    next: new Date(at).toISOString(),
  });
}

/** What the attempt was charged, as far as the file tells. */
function chargeOf(entry: StoredEntry, atMs: number, recipients: number): PastCharge {
  return { atMs, class: entry.class, recipients, bytes: entry.wireBytes };
}
