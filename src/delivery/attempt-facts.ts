/**
 * What came of an attempt, as facts for log and journal.
 *
 * Promises: recipients with the same answer share one fact; the first fact of an attempt carries its charge, so
 * that the journal adds up to what the hour's budget gave. Deferred facts say when the next attempt is due.
 */
import type { Address } from "../mail/address.ts";
import type { Events } from "../observe/events.ts";
import type { Delivered } from "../observe/facts.ts";
import { wordsOf } from "../schedule/ledger.ts";
import type { RecipientResult, Verdict } from "../schedule/outcome.ts";
import type { PastCharge } from "../schedule/pace.ts";
import { mailOf, type StoredEntry } from "../spool/entry.ts";
import type { Session } from "../upstream/session.ts";

/** What came of an attempt at `entry`, at time `at` (milliseconds since 1970). */
interface Told {
  readonly entry: StoredEntry;
  readonly results: readonly RecipientResult[];
  readonly inDoubt: boolean;
  /** Undefined when no MAIL was said. */
  readonly charged: PastCharge | undefined;
  readonly at: number;
  /** When MAIL was said; missing when that is not known any more. */
  readonly startedMs?: number;
  /** When the next attempt is due, for those deferred. */
  readonly nextMs: number;
}

/** One fact for each kind of outcome of the attempt; the first of them carries the charge. */
export async function tellAttempt(
  events: Pick<Events, "fact">,
  session: Pick<Session, "id" | "upstream">,
  { entry, results, inDoubt, charged, at, startedMs, nextMs }: Told,
): Promise<void> {
  const took = startedMs === undefined ? {} : { took: Math.max(0, at - startedMs) / 1000 };
  let charge = chargeFields(charged);
  for (const group of groups(results)) {
    const { sample } = group;
    const common = { ...attemptOf(entry, session, at), ...took, recipients: group.recipients, ...charge };
    const doubt = inDoubt ? { inDoubt: true as const } : {};
    charge = chargeFields(undefined);
    if (sample.status === "delivered") {
      await events.fact({
        event: "delivered",
        ...common,
        ...doubt,
        reply: sample.reply,
        sizeBytes: entry.wireBytes,
      });
      continue;
    }
    const { failure, verdict } = sample;
    const said = {
      ...(failure.reply ? { reply: failure.reply } : {}),
      reason: `${failure.text} (${verdict.why})`,
      ...doubt,
    };
    if (verdict.action === "bounce") await events.fact({ event: "bounced", ...common, ...said });
    else {
      const next = new Date(nextMs).toISOString();
      await events.fact({ event: "deferred", ...common, ...said, next });
    }
  }
}

/** What the attempt took of the hour's budget, for whoever adds it up. */
export function chargeFields(charged: PastCharge | undefined): Pick<Delivered, "charged" | "charge"> {
  if (charged === undefined) return { charged: 0 };
  const { recipients, bytes, class: messageClass, atMs, credential } = charged;
  return {
    charged: 1,
    charge: {
      ...{ recipients, bytes, class: messageClass, at: new Date(atMs).toISOString() },
      ...(credential === undefined ? {} : { credential }),
    },
  };
}

/** What every fact about an attempt says. */
export function attemptOf(entry: StoredEntry, session: Pick<Session, "id" | "upstream">, at: number) {
  return {
    ...mailOf(entry),
    upstream: session.upstream,
    session: session.id,
    delay: Math.round((at - entry.timeMs) / 100) / 10,
  };
}

/** Results that say the same, together: 100 recipients with one answer are one line of log. */
function groups(results: readonly RecipientResult[]): { sample: RecipientResult; recipients: Address[] }[] {
  const found = new Map<string, { sample: RecipientResult; recipients: Address[] }>();
  for (const result of results) {
    const key = `${result.status === "delivered" ? "delivered" : result.verdict.action} ${wordsOfResult(result)}`;
    const group = found.get(key);
    if (group) group.recipients.push(result.recipient);
    else found.set(key, { sample: result, recipients: [result.recipient] });
  }
  return [...found.values()];
}

/** Why an attempt failed: in the upstream's words, or in ours, and what that means; of whom it blames, if it does. */
export function whyOf(results: readonly RecipientResult[], blamed: Verdict["scope"] | undefined): string {
  const failed = results.filter((result) => result.status === "failed");
  const one = failed.find(({ verdict }) => verdict.scope === blamed) ?? failed[0];
  return one ? `${wordsOf(one.failure)} (${one.verdict.why})` : "";
}

function wordsOfResult(result: RecipientResult): string {
  return result.status === "delivered" ? result.reply.text : wordsOf(result.failure);
}
