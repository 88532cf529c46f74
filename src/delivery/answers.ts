/**
 * What the delivering half answers to people who ask: what is in a session, why mail waits, whether it flows.
 *
 * Promises: reads what the parts know already; asks neither Redis nor the disk, changes nothing.
 */
import type { Redis } from "../queue/redis.ts";
import type { StoredEntry } from "../spool/entry.ts";
import type { Spool } from "../spool/spool.ts";
import type { OpenBreaker } from "./breakers.ts";
import type { Feeders } from "./feeders.ts";
import { NO_OUTLOOK, type Outlook, stoppedBy } from "./outlook.ts";
import type { Standing } from "./standing.ts";
import type { Watchdog } from "./watchdog.ts";

export interface AnswerParts {
  readonly feeders: Pick<Feeders, "current" | "inHand">;
  readonly standing: Pick<Standing, "breakers">;
  readonly watchdog: Pick<Watchdog, "stuck">;
  readonly redis: Pick<Redis, "status">;
  readonly spool: Pick<Spool, "room">;
}

export class Answers {
  readonly #parts: AnswerParts;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
  }

  /** Is this message in a session just now? */
  inHand(id: string): boolean {
    return this.#parts.feeders.inHand(id);
  }

  /** When the waiting mail of an account will go, and why not now. */
  async outlook(account: string): Promise<Outlook> {
    if (this.#redisAway) return stoppedBy("Redis does not answer");
    const known = this.#parts.feeders.current.get(account)?.outlook();
    return (await known?.catch((error: Error) => stoppedBy(error.message))) ?? NO_OUTLOOK;
  }

  /** Why mail of its pair is held back, if it is, and when it is tried again (milliseconds since 1970), if known. */
  pairStopped(entry: StoredEntry): { readonly reason: string; readonly nextProbeMs?: number } | undefined {
    return this.#parts.standing.breakers.pairStopped(entry);
  }

  /** What keeps mail from being taken or delivered now: sentences, and when it is tried again (ISO 8601), if known. */
  get health() {
    const { standing, watchdog, spool } = this.#parts;
    const room = spool.room();
    const reasons = [
      ...standing.breakers.open().map((one) => ({
        reason: `${nameOf(one)} is stopped: ${one.reason}`,
        nextProbe: one.nextProbeMs === undefined ? null : new Date(one.nextProbeMs).toISOString(),
      })),
      ...[
        ...watchdog.stuck.map((account) => `${account} stands still: mail is due and nothing moves`),
        ...(this.#redisAway ? ["Redis does not answer: mail is taken, and waits"] : []),
        ...(!room.ok && room.reason === "disk-low" ? ["the disk of the spool is low: no mail is taken"] : []),
        ...(!room.ok && room.reason === "queue-full" ? ["limits.queue is reached: no mail is taken"] : []),
      ].map((reason) => ({ reason, nextProbe: null })),
    ];
    return { ok: reasons.length === 0, reasons };
  }

  get #redisAway(): boolean {
    return this.#parts.redis.status !== "ready";
  }
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
