/**
 * What came of an attempt, as facts for log and journal.
 *
 * Promises: recipients with the same answer share one fact; the first fact of an attempt carries its charge, so
 * that the journal adds up to what the hour's budget gave. Deferred facts say when the next attempt is due.
 */
import type { Address } from "../mail/address.ts";
import type { Events } from "../observe/events.ts";
import type { RecipientResult } from "../schedule/outcome.ts";
import type { StoredEntry } from "../spool/entry.ts";
import type { Session, Transaction } from "../upstream/session.ts";

/** One fact for each kind of outcome of the attempt; the first of them carries the charge. */
export async function tellAttempt(
  events: Pick<Events, "fact">,
  session: Pick<Session, "id" | "upstream">,
  work: { entry: StoredEntry; transaction: Transaction; ageMs: number; nextMs: number },
): Promise<void> {
  const { entry } = work;
  const { results, inDoubt } = work.transaction;
  let charged: 0 | 1 = 1;
  for (const group of groups(results)) {
    const { sample } = group;
    const common = {
      id: entry.id,
      account: entry.account,
      sender: entry.envelope.sender,
      recipients: group.recipients,
      upstream: session.upstream,
      session: session.id,
      charged,
      delay: Math.round(work.ageMs / 100) / 10,
      ...(inDoubt ? { inDoubt: true as const } : {}),
    };
    charged = 0;
    if (sample.status === "delivered") {
      await events.fact({
        event: "delivered",
        ...common,
        reply: sample.reply,
        sizeBytes: entry.wireBytes,
      });
      continue;
    }
    const { failure, verdict } = sample;
    const said = {
      ...(failure.reply ? { reply: failure.reply } : {}),
      reason: `${failure.text} (${verdict.why})`,
    };
    if (verdict.action === "bounce") await events.fact({ event: "bounced", ...common, ...said });
    else {
      const next = new Date(work.nextMs).toISOString();
      await events.fact({ event: "deferred", ...common, ...said, next });
    }
  }
}

/** Results that say the same, together: 100 recipients with one answer are one line of log. */
function groups(results: readonly RecipientResult[]): { sample: RecipientResult; recipients: Address[] }[] {
  const found = new Map<string, { sample: RecipientResult; recipients: Address[] }>();
  for (const result of results) {
    const key = `${result.status === "delivered" ? "delivered" : result.verdict.action} ${wordsOf(result)}`;
    const group = found.get(key);
    if (group) group.recipients.push(result.recipient);
    else found.set(key, { sample: result, recipients: [result.recipient] });
  }
  return [...found.values()];
}

/** In the upstream's words, or in ours. */
export function whyOf(results: readonly RecipientResult[]): string {
  const failed = results.find((result) => result.status === "failed");
  return failed === undefined ? "" : wordsOf(failed);
}

function wordsOf(result: RecipientResult): string {
  return result.status === "delivered"
    ? result.reply.text
    : (result.failure.reply?.text ?? result.failure.text);
}
