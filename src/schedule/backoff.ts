/**
 * When to try again, and when to give up: by the age of the message, never by counting attempts.
 *
 * The next delay is the age itself, so the age doubles from one attempt to the next, within `firstMs` and
 * `maxMs`, spread by 20 % either way so that a backlog does not come back as one wave. A restart, a crash
 * or an operator's retry changes nothing. RFC 5321 §4.5.4.1.
 */

/** Config `retry`; milliseconds. */
export interface RetryPolicy {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly expireAfterMs: number;
}

const SPREAD = 0.2;

/** Milliseconds until the next attempt. `random` gives [0, 1). A clock set back counts as age 0. */
export function retryDelayMs(
  policy: Pick<RetryPolicy, "firstMs" | "maxMs">,
  ageMs: number,
  random: () => number,
): number {
  const delayMs = Math.min(Math.max(ageMs, policy.firstMs), policy.maxMs);
  return Math.round(delayMs * (1 - SPREAD + 2 * SPREAD * random()));
}

/** Whether a message is to be given up at this age, milliseconds. */
export function expired(policy: Pick<RetryPolicy, "expireAfterMs">, ageMs: number): boolean {
  return ageMs >= policy.expireAfterMs;
}
