/**
 * How it stands, in one line for `systemctl status`.
 *
 * Promises: no address, no account's name, no word of a stranger: every local user may read it.
 */
import type { HealthCode } from "./health.ts";

const WORDS: Readonly<Record<HealthCode, string>> = {
  "upstream-stopped": "the upstream's breaker is open",
  "account-stopped": "an account's breaker is open",
  "pair-stopped": "a sender pair's breaker is open",
  standstill: "due mail stands still",
  "nothing-delivered": "nothing was delivered for a while",
  "redis-away": "Redis is away",
  "disk-low": "the disk is low, no mail is taken",
  "queue-full": "limits.queue is reached, no mail is taken",
};

/** `custody`: messages in the spool; `warnings`: what somebody should see to although mail flows. */
export function statusLine(facts: {
  readonly custody: number;
  readonly reasons: readonly { readonly code: HealthCode }[];
  readonly warnings: number;
}): string {
  const { custody, reasons, warnings } = facts;
  const words = [...new Set(reasons.map(({ code }) => WORDS[code]))];
  const flow = words.length === 0 ? ["mail flows"] : words;
  const more = warnings === 0 ? [] : ["the config needs a look (sluice)"];
  return [`${custody} ${custody === 1 ? "message" : "messages"} in custody`, ...flow, ...more].join("; ");
}
