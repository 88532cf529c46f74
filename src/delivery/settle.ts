/**
 * What becomes of a message's job, file and notices once its state is on disk: the one place where that is decided.
 *
 * Promises: a notice that is owed is in the spool before the job says bounced; history is written before the file goes,
 * the file goes before the job is completed. Each step may be cut off by a crash: the next start does it again.
 */
import type { Address } from "../mail/address.ts";
import { crashPoint } from "../observe/crash-point.ts";
import type { Fetched } from "../queue/account-queue.ts";
import type { Ledger } from "../schedule/ledger.ts";
import { mailOf } from "../spool/entry.ts";
import type { SpoolMessage } from "../spool/message.ts";
import { dueMs, type MessageState, messageState } from "../spool/state.ts";
import type { DeliverParts } from "./deliver.ts";

/** Settles the message's job as its file says. `found`: whether an attempt just ended, or a job met it like that. */
export async function settle(
  parts: DeliverParts,
  fetched: Fetched,
  message: SpoolMessage,
  found: "just tried" | "as it was",
): Promise<MessageState> {
  const { entry } = message;
  const { queue, events, spool, notices, now } = parts;
  const state = messageState(entry, message.records);
  if (state.kind === "bounced" || state.kind === "pending") await notices.about(message, state, found);
  switch (state.kind) {
    case "settled":
      await events.fact({ event: "finished", ...mailOf(entry) });
      crashPoint("journaled");
      await spool.remove(entry.id);
      crashPoint("unlinked");
      await queue.complete(fetched);
      crashPoint("completed");
      break;
    case "bounced":
      await queue.bounce(fetched, state.reason);
      break;
    case "held":
      await queue.hold(fetched);
      break;
    case "pending": {
      // Recipients that were not in the transaction yet go on at once; deferred ones when their time comes.
      const due = dueMs(state, now());
      if (untried(state.ledger).length > 0 || due <= now()) await queue.putBack(fetched);
      else await queue.defer(fetched, due);
    }
  }
  return state;
}

/** Pending recipients of no transaction yet. */
export function untried(ledger: Ledger): readonly Address[] {
  return ledger.pending.filter((recipient) => !ledger.reasons.has(recipient));
}
