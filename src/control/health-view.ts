/**
 * Health with the queue beside it: a breaker that has no mail to stop is no reason to call anybody, nor is it that nothing
 * is delivered where nothing waits to be.
 *
 * Promises: pure; what the queue holds is as it was last known, and while nothing is known every reason stands.
 */
import type { HealthView } from "./health-text.ts";
import type { Counts } from "./snapshot.ts";

/** Of these reasons the mail that waits is a part. */
const ABOUT_WAITING: ReadonlySet<string> = new Set([
  ...["upstream-stopped", "account-stopped", "pair-stopped"],
  "nothing-delivered",
]);

export function withMailWaiting(
  { reasons, warnings }: HealthView,
  counts: readonly Counts[] | undefined,
): HealthView {
  const standing = reasons.filter(({ code = "", account }) => {
    return !ABOUT_WAITING.has(code) || !counts || waiting(counts, account) > 0;
  });
  return { ok: standing.length === 0, reasons: standing, warnings };
}

/** Messages that are to go out; of one account, or of all. What is held waits for an operator. */
function waiting(counts: readonly Counts[], account: string | undefined): number {
  const ours = counts.filter(
    (one) => one.account !== null && (account === undefined || one.account === account),
  );
  return ours.reduce((sum, { states }) => sum + states.incoming + states.active + states.deferred, 0);
}
