/**
 * What the running agent asks its own history.
 *
 * Promises: answers come from the journal's files alone, so they survive the loss of Redis and of memory.
 */
import { readJournal } from "./read.ts";

const HOUR_MS = 3_600_000;

/** When messages of an account's budget were charged here in the last 60 minutes: milliseconds since 1970, rising. */
export async function chargesOfLastHour(folder: string, account: string, nowMs: number): Promise<number[]> {
  const charges: number[] = [];
  for await (const line of readJournal(folder, {
    fromMs: nowMs - HOUR_MS,
    toMs: nowMs,
    text: '"charged":1',
  })) {
    if ("charged" in line && line.charged === 1 && line.account === account)
      charges.push(Date.parse(line.at));
  }
  return charges.sort((a, b) => a - b);
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
