/**
 * Whether mail flows, and if not why: what `/healthz`, the commands and the page say.
 *
 * Not well is: a breaker is open and has mail to stop; work is due and nothing is delivered for a while; Redis is gone;
 * the disk is low or the bound of messages reached. A budget that is used is none of these: that is what it is for.
 * Promises: each reason has a code for programs and for those who may see no address, and a sentence for operators.
 */
import type { Room } from "../spool/spool.ts";
import type { OpenBreaker } from "./breakers.ts";

export type HealthCode =
  | "upstream-stopped"
  | "account-stopped"
  | "pair-stopped"
  | "standstill"
  | "nothing-delivered"
  | "redis-away"
  | "disk-low"
  | "queue-full";

export interface HealthReason {
  readonly code: HealthCode;
  /** Which it is about; missing when it is about all. */
  readonly account?: string;
  readonly reason: string;
  /** When it is tried again, ISO 8601, where that is known. */
  readonly nextProbe: string | null;
}

export interface Health {
  readonly ok: boolean;
  readonly reasons: readonly HealthReason[];
}

export interface HealthFacts {
  readonly open: readonly OpenBreaker[];
  /** Accounts whose due mail does not move. */
  readonly stuck: readonly string[];
  /** Accounts whose mail is tried and not taken. */
  readonly stalled: readonly { readonly account: string; readonly forMs: number; readonly reason: string }[];
  readonly redis: "there" | "away";
  readonly room: Room;
}

export function healthOf({ open, stuck, stalled, redis, room }: HealthFacts): Health {
  const reasons: HealthReason[] = open.map((one) => ({
    code: `${one.breaker}-stopped`,
    ...(one.account === undefined ? {} : { account: one.account }),
    reason: `${nameOf(one)} is stopped: ${one.reason}`,
    nextProbe: one.nextProbeMs === undefined ? null : new Date(one.nextProbeMs).toISOString(),
  }));
  const say = (code: HealthCode, reason: string, account?: string) =>
    reasons.push({ code, ...(account === undefined ? {} : { account }), reason, nextProbe: null });
  for (const account of stuck)
    say("standstill", `${account} stands still: mail is due and nothing moves`, account);
  for (const { account, forMs, reason } of stalled) {
    // A breaker that is open says the same, and says it better.
    if (open.some((one) => one.breaker === "upstream" || one.account === account)) continue;
    const minutes = Math.round(forMs / 60_000);
    say(
      "nothing-delivered",
      `nothing of ${account} was delivered for ${minutes} min, last: ${reason}`,
      account,
    );
  }
  if (redis === "away") say("redis-away", "Redis does not answer: mail is taken, and waits");
  if (!room.ok && room.reason === "disk-low")
    say("disk-low", "the disk of the spool is low: no mail is taken");
  if (!room.ok && room.reason === "queue-full")
    say("queue-full", "limits.queue is reached: no mail is taken");
  return { ok: reasons.length === 0, reasons };
}

function nameOf({ breaker, account, pair }: OpenBreaker): string {
  switch (breaker) {
    case "upstream":
      return "the upstream";
    case "account":
      return String(account);
    case "pair":
      return `the pair ${pair} of ${account}`;
  }
}
