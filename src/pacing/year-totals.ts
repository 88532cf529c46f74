/**
 * What each host was charged in the contract year, shared through Redis: one hash for a credential and year.
 *
 * Promises: losing Redis loses nothing, since every host writes again what it knows, of itself from its ledger and of the
 * others as it saw them last. Of two figures for a host the larger holds: within a year they only grow, so a copy of
 * a state folder cannot set another host back, and is not counted twice.
 */
import type { Redis } from "ioredis";
import { credentialKey } from "./credential-key.ts";

const KEEP_MS = 400 * 86_400_000;

export interface YearTotal {
  readonly messages: number;
  readonly bytes: number;
}

/** By installation. */
export type YearTotals = ReadonlyMap<string, YearTotal>;

/** Says what is known here of the year that begins at `fromMs`, and gives what all hosts know together. */
export async function exchangeTotals(
  redis: Redis,
  { username, fromMs }: { readonly username: string; readonly fromMs: number },
  known: YearTotals,
): Promise<YearTotals> {
  const key = `${credentialKey(username)}:year:${new Date(fromMs).toISOString().slice(0, 10)}`;
  const there = await redis.hgetall(key);
  const all = larger(known, new Map(Object.entries(there).map(([host, text]) => [host, read(text)])));
  const news = [...all].filter(([host, total]) => there[host] !== written(total));
  if (news.length > 0) {
    await redis.hset(key, Object.fromEntries(news.map(([host, total]) => [host, written(total)])));
    await redis.pexpire(key, KEEP_MS);
  }
  return all;
}

/** Of each host the larger figures. */
export function larger(a: YearTotals, b: YearTotals): YearTotals {
  const all = new Map(a);
  for (const [host, { messages, bytes }] of b) {
    const known = all.get(host);
    all.set(host, {
      messages: Math.max(messages, known?.messages ?? 0),
      bytes: Math.max(bytes, known?.bytes ?? 0),
    });
  }
  return all;
}

function written({ messages, bytes }: YearTotal): string {
  return `${messages} ${bytes}`;
}

function read(text: string): YearTotal {
  const [messages = 0, bytes = 0] = text.split(" ").map(Number);
  return { messages: messages || 0, bytes: bytes || 0 };
}
