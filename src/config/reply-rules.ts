/**
 * The reply rules of config and preset as the catalogue takes them.
 *
 * Promises: the config's rules come before the preset's; every rule has a hint.
 * Refuses: nothing; the schema has seen to it that every pattern compiles.
 */
import type { Meaning, ReplyRule } from "../schedule/catalogue.ts";
import type { Stage } from "../schedule/outcome.ts";

/** A rule as it is written. */
export interface ReplySetting {
  readonly match: string;
  readonly stage?: readonly Stage[] | undefined;
  readonly means: Meaning;
  readonly hint?: string | undefined;
}

/** Rules that stand in the `config`, or in the preset of that name. */
export function replyRules(settings: readonly ReplySetting[], from: string): ReplyRule[] {
  return settings.map(({ match, stage, means, hint }) => ({
    match: new RegExp(match, "i"),
    ...(stage === undefined ? {} : { stages: stage }),
    means,
    hint: hint ?? `a rule for "${match}" says so (${from})`,
    from,
  }));
}
