/**
 * What the last run wrote into a message's file and did not live to tell log and journal.
 *
 * Two gaps: an attempt that was cut off after its final dot (in doubt), and an outcome that is in the file and not in the
 * journal. Promises: each is told once, before anything else is done with the message; only what stands at the end of
 * the last run is looked up, so that a start reads little. The times of what is told are those of the telling.
 */
import type { Events } from "../observe/events.ts";
import type { PastCharge } from "../schedule/pace.ts";
import type { StoredEntry } from "../spool/entry.ts";
import type { SpoolMessage } from "../spool/message.ts";
import { interruptedAttempt, messageState } from "../spool/state.ts";
import { attemptOf, chargeFields, tellAttempt } from "./attempt-facts.ts";

/** How far a line of the journal may be behind the line of the spool that it is about. */
const SLACK_MS = 10_000;

export interface UntoldParts {
  readonly events: Pick<Events, "fact">;
  readonly now: () => number;
  /** The end of the last run: the time of the journal's last line, and when this run began; milliseconds since 1970. */
  readonly gap: { readonly fromMs: number; readonly toMs: number };
  /** Whether the journal has an attempt of the message in that session, at that time or later. */
  readonly wasTold: (attempt: { id: string; session: string; atMs: number }) => Promise<boolean>;
}

/** Tells what is untold of the message. */
export async function tellUntold(parts: UntoldParts, message: SpoolMessage): Promise<void> {
  const { entry, records } = message;
  const cut = interruptedAttempt(records);
  if (cut) {
    const { upstream, session } = cut;
    await message.append({
      at: parts.now(),
      event: "attempt",
      upstream,
      session,
      results: [],
      inDoubt: true,
    });
    return tellInterrupted(parts, message, cut);
  }
  const last = records.findLast((record) => record.event === "attempt");
  const { fromMs, toMs } = parts.gap;
  if (!last || last.at < fromMs - SLACK_MS || last.at >= toMs) return;
  const { session, at, upstream, results, inDoubt = false, nextMs = at } = last;
  if (await parts.wasTold({ id: entry.id, session, atMs: at })) return;
  if (results.length === 0) return tellInterrupted(parts, message, last);
  await tellAttempt(
    parts.events,
    { id: session, upstream },
    { entry, results, inDoubt, charged: chargeOf(entry, at, results.length), at, nextMs },
  );
}

/** It is sent again, and may arrive twice. */
function tellInterrupted(
  { events, now }: UntoldParts,
  message: SpoolMessage,
  { upstream, session, at: cutMs }: { upstream: string; session: string; at: number },
): Promise<void> {
  const { entry, records }: { entry: StoredEntry; records: SpoolMessage["records"] } = message;
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
