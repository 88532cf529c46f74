/**
 * What the running agent asks its own history.
 *
 * Promises: answers come from the journal's files alone, so they survive the loss of Redis and of memory.
 */
import { HOUR_MS, type PastCharge } from "../schedule/pace.ts";
import { readJournal } from "./read.ts";

/** What a line says that an older version wrote. */
const OLD_CHARGE = { at: undefined, recipients: 1, bytes: 1, class: "bulk" } as const;

/** What an account was charged here in the last 60 minutes, rising. */
export async function chargesOfLastHour(
  folder: string,
  account: string,
  nowMs: number,
): Promise<PastCharge[]> {
  const charges: PastCharge[] = [];
  // A charge stands in the journal when its attempt has ended, which may be long after it was taken.
  for await (const line of readJournal(folder, { fromMs: nowMs - HOUR_MS, text: '"charged":1' })) {
    if (!("charged" in line) || line.charged !== 1 || line.account !== account) continue;
    const { at, recipients, bytes, class: name } = line.charge ?? OLD_CHARGE;
    const atMs = Date.parse(at ?? line.at);
    if (atMs > nowMs - HOUR_MS) charges.push({ atMs, recipients, bytes, class: name });
  }
  return charges.sort((a, b) => a.atMs - b.atMs);
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

/** Whether an attempt at `id` in that session stands there, at `atMs` or later. */
export async function wasTold(
  folder: string,
  { id, session, atMs }: { id: string; session: string; atMs: number },
): Promise<boolean> {
  for await (const line of readJournal(folder, { fromMs: atMs, text: id })) {
    if ("session" in line && line.session === session && line.id === id) return true;
  }
  return false;
}
