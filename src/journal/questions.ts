/**
 * What the running agent asks its own history.
 *
 * Promises: answers come from the journal's files alone, so they survive the loss of Redis and of memory.
 */
import { CHARGE_PERIOD_MS, HOUR_MS, type PastCharge } from "../schedule/pace.ts";
import type { JournalLine } from "./journal.ts";
import { readJournal } from "./read.ts";

/**
 * What a credential was charged here in the last 60 minutes, and the few seconds that a MAIL may follow its charge, rising:
 * whatever its account was called. Charges of which only the account is known count for that one.
 */
export async function chargesOfLastHour(
  folder: string,
  of: { readonly credential: string; readonly account: string },
  nowMs: number,
): Promise<PastCharge[]> {
  const charges: PastCharge[] = [];
  const fromMs = nowMs - CHARGE_PERIOD_MS;
  // A charge stands in the journal when its attempt has ended, which may be long after it was taken.
  for await (const line of readJournal(folder, { fromMs, text: '"charged":1' })) {
    const charge = chargeIn(line);
    if (!charge || line.event === "rejected" || charge.atMs <= fromMs) continue;
    const { credential } = charge;
    if (credential === undefined ? line.account === of.account : credential === of.credential)
      charges.push(charge);
  }
  return charges.sort((a, b) => a.atMs - b.atMs);
}

/**
 * The charge that a line tells of; undefined where it tells of none, or is none of ours. One of an older version does
 * not say what it weighed.
 */
export function chargeIn(line: JournalLine): PastCharge | undefined {
  if (!("charged" in line) || line.charged !== 1) return undefined;
  const { charge, recipients } = line;
  const atMs = Date.parse((charge ?? line).at);
  if (Number.isNaN(atMs) || !Array.isArray(recipients)) return undefined;
  if (charge) {
    const { recipients, bytes, class: messageClass, credential } = charge;
    return {
      atMs,
      recipients,
      bytes,
      class: messageClass,
      ...(credential === undefined ? {} : { credential }),
    };
  }
  const bytes = "sizeBytes" in line ? line.sizeBytes : 1;
  return { atMs, recipients: recipients.length, bytes, class: "bulk" };
}

/**
 * Whether the message `id`, accepted at `acceptedMs`, is over and its file rightly gone: all its recipients settled, or
 * deleted by an operator or by age.
 */
export async function wasFinished(
  folder: string,
  message: { id: string; acceptedMs: number },
  nowMs: number,
): Promise<boolean> {
  const range = {
    fromMs: Math.min(message.acceptedMs, nowMs) - HOUR_MS,
    text: message.id,
  };
  for await (const line of readJournal(folder, range)) {
    const over = line.event === "finished" || line.event === "deleted";
    if (over && line.id === message.id) return true;
  }
  return false;
}
