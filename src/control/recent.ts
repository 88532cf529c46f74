/**
 * The last day in memory: what went out and what was refused in each hour, the last failures, the last delivery.
 *
 * Filled from facts as they are told; what the last run told is read from the journal once, newest first.
 * Promises: answers cost nothing; memory is bounded (25 hours of three numbers, 50 failures). An hour's urgent and bulk mail
 * is what the budget was charged for, at the time of the charge, as in the usage ledger.
 */
import { chargeIn } from "../journal/questions.ts";
import { newestFirst } from "../journal/read.ts";
import type { Told } from "../observe/events.ts";
import { HOUR_MS } from "../schedule/pace.ts";
import type { FailureOverview } from "./overview.ts";

const HOURS = 24;
const FAILURES = 50;
/** Of a failure's many recipients. */
const RECIPIENTS = 20;

export interface HourSums {
  readonly atMs: number;
  readonly urgent: number;
  readonly bulk: number;
  readonly refused: number;
}

type Sums = { urgent: number; bulk: number; refused: number };

export class Recent {
  readonly #now: () => number;
  readonly #hours = new Map<number, Sums>();
  /** Newest first. */
  #failures: FailureOverview[] = [];
  #lastDeliveredMs: number | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  hear(told: Told): void {
    const atMs = this.#count(told);
    if (told.event === "delivered") this.#lastDeliveredMs = atMs;
    const failure = failureOf(told);
    if (failure) this.#failures = [failure, ...this.#failures.slice(0, FAILURES - 1)];
  }

  /** Adds what the journal has from before `beforeMs` (milliseconds since 1970), which nobody told us. */
  async readJournal(folder: string, beforeMs: number): Promise<void> {
    const fromMs = beforeMs - HOURS * HOUR_MS;
    const before: FailureOverview[] = [];
    for await (const line of newestFirst(folder)) {
      const atMs = Date.parse(line.at);
      if (!(atMs < beforeMs)) continue; // ours, or of a clock that was ahead
      if (atMs < fromMs) break;
      this.#count(line);
      if (line.event === "delivered") this.#lastDeliveredMs ??= atMs;
      const failure = before.length < FAILURES ? failureOf(line) : undefined;
      if (failure) before.push(failure);
    }
    this.#failures = [...this.#failures, ...before].slice(0, FAILURES);
  }

  /** The last 24 clock hours, oldest first, the one under way last. */
  hours(): readonly HourSums[] {
    const last = hourOf(this.#now());
    return Array.from({ length: HOURS }, (_, n) => {
      const atMs = last - (HOURS - 1 - n) * HOUR_MS;
      return { atMs, urgent: 0, bulk: 0, refused: 0, ...this.#hours.get(atMs) };
    });
  }

  /** Newest first. */
  get failures(): readonly FailureOverview[] {
    return this.#failures;
  }

  get lastDeliveredMs(): number | undefined {
    return this.#lastDeliveredMs;
  }

  /** Returns when it was, milliseconds since 1970. */
  #count(told: Told): number {
    const atMs = Date.parse(told.at);
    const charge = chargeIn(told);
    if (charge) this.#sums(charge.atMs)[charge.class]++;
    if (told.event === "rejected") this.#sums(atMs).refused++;
    return atMs;
  }

  #sums(atMs: number): Sums {
    const hour = hourOf(atMs);
    const known = this.#hours.get(hour);
    if (known) return known;
    const sums = { urgent: 0, bulk: 0, refused: 0 };
    this.#hours.set(hour, sums);
    // A clock that jumped may have left hours anywhere: the oldest go, and never more than a day stays.
    if (this.#hours.size > HOURS + 1) this.#hours.delete(Math.min(...this.#hours.keys()));
    return sums;
  }
}

function hourOf(atMs: number): number {
  return Math.floor(atMs / HOUR_MS) * HOUR_MS;
}

/** What somebody should see of a fact; undefined when nobody needs to, or an operator did it. */
export function failureOf(told: Told): FailureOverview | undefined {
  switch (told.event) {
    case "rejected":
    case "bounced":
    case "expired":
    case "deferred":
    case "held":
      break;
    default:
      return undefined;
  }
  if ("by" in told && told.by === "operator") return undefined;
  return {
    at: told.at,
    event: told.event,
    id: told.id ?? null,
    sender: told.sender ?? null,
    recipients: recipientsOf(told),
    user: "user" in told ? (told.user ?? null) : null,
    reason: reasonOf(told),
  };
}

/** A line of the journal may have anything there. */
function recipientsOf(told: Told): readonly string[] {
  return "recipients" in told && Array.isArray(told.recipients) ? told.recipients.slice(0, RECIPIENTS) : [];
}

/** The upstream's words, or ours. */
export function reasonOf(told: Told): string {
  if (told.event === "rejected") return told.reply;
  if ("reply" in told && told.reply) return told.reply.text;
  return "reason" in told ? told.reason : "";
}
