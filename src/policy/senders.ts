/**
 * Which pair a message goes out with, and which rule says so.
 *
 * With E the envelope sender and H the header From (E if there is none):
 * 1. (E, H) is an allowed pair: it passes.
 * 2. The first rewrite rule that matches H, or else the first that matches E, decides. But when only E
 *    matched and H is allowed in some pair, only the envelope is replaced, by that pair's. A rule with a user matches
 *    mail of that local user only, and never mail of an unknown one.
 * 3. Otherwise `senders.unknown` decides.
 * Promises: a pair that is sent is one of `pairs`, letter for letter; addresses are compared exactly (domains
 * were folded when they were read). MAIL FROM:<> (RFC 5321 §4.5.5) counts as E = notices.from, because
 * the relay service takes no null sender.
 */
import type { Address } from "../mail/address.ts";
import type { Pair } from "../mail/envelope.ts";
import { matchesPattern } from "./pattern.ts";

export interface AllowedPair {
  readonly pair: Pair;
  readonly account: string;
  /** Config path: `accounts[0].senders[1]`. */
  readonly rule: string;
}

export interface RewriteRule {
  /** `root@*`, `*@app01.internal`, `a@b`: see pattern.ts. */
  readonly match: string;
  /** The local user whose mail it is for: every user's, and that of unknown ones, when absent. */
  readonly user?: string;
  /** One of the allowed pairs. */
  readonly to: Pair;
  /** Config path: `senders.rewrite[0]`. */
  readonly rule: string;
}

export interface SenderPolicy {
  readonly pairs: readonly AllowedPair[];
  readonly rewrite: readonly RewriteRule[];
  readonly unknown:
    | { readonly kind: "reject" }
    | { readonly kind: "hold" }
    | { readonly kind: "send-as"; readonly pair: Pair };
  readonly keepOriginal: "reply-to" | "header" | "none";
  /** notices.from: the envelope sender that MAIL FROM:<> goes out with. */
  readonly nullSender?: Address;
}

/** `why` is one sentence; that of a refusal names the address and the config key to change (reply 550 5.7.1). */
export type SenderDecision =
  | {
      readonly action: "send";
      readonly account: string;
      readonly pair: Pair;
      readonly rule: string;
      readonly why: string;
    }
  | { readonly action: "hold"; readonly rule: string; readonly why: string }
  | { readonly action: "reject"; readonly rule: string; readonly why: string };

/** Who a message says it is from: `envelope` null for MAIL FROM:<>, `header` undefined when there is no From. */
export interface SaidSender {
  readonly envelope: Address | null;
  readonly header: Address | undefined;
  /** The local user whose program it came from; undefined when it is not known. */
  readonly user?: string | undefined;
}

/** Decides for one message. */
export function decideSender(policy: SenderPolicy, ids: SaidSender): SenderDecision {
  const envelope = ids.envelope ?? policy.nullSender;
  if (envelope === undefined) {
    return {
      action: "reject",
      rule: "notices.from",
      why: "The null sender <> cannot be sent as the relay takes none; set notices.from to the address it shall go out with",
    };
  }
  const said: Pair = { envelope, header: ids.header ?? envelope };
  const allowed = findPair(policy, said);
  if (allowed) return send(policy, said, allowed.rule, `${describe(said)} is an allowed pair`);
  return decideByRewrite(policy, said, ids.user) ?? decideUnknown(policy, said);
}

function decideByRewrite(
  policy: SenderPolicy,
  said: Pair,
  user: string | undefined,
): SenderDecision | undefined {
  const rules = policy.rewrite.filter((rule) => rule.user === undefined || rule.user === user);
  const byHeader = rules.find(({ match }) => matchesPattern(match, said.header));
  if (byHeader)
    return send(policy, byHeader.to, byHeader.rule, `header From ${said.header} ${matches(byHeader)}`);
  const byEnvelope = rules.find(({ match }) => matchesPattern(match, said.envelope));
  if (!byEnvelope) return undefined;
  const matched = `envelope sender ${said.envelope} ${matches(byEnvelope)}`;
  const kept = policy.pairs.find(({ pair }) => pair.header === said.header);
  if (!kept) return send(policy, byEnvelope.to, byEnvelope.rule, matched);
  return send(
    policy,
    kept.pair,
    byEnvelope.rule,
    `${matched}; header From ${said.header} is allowed by ${kept.rule} and stays`,
  );
}

function matches({ match, user }: RewriteRule): string {
  return user === undefined ? `matches ${match}` : `of user ${user} matches ${match}`;
}

function decideUnknown(policy: SenderPolicy, said: Pair): SenderDecision {
  const rule = "senders.unknown";
  switch (policy.unknown.kind) {
    case "send-as":
      return send(
        policy,
        policy.unknown.pair,
        rule,
        `${describe(said)} is not an allowed pair and no rewrite rule matches`,
      );
    case "hold":
      return {
        action: "hold",
        rule,
        why: `${describe(said)} is not an allowed pair and no rewrite rule matches`,
      };
    case "reject":
      return { action: "reject", rule, why: explainRefusal(policy, said) };
  }
}

/** Every way to send ends here: what is not one of the pairs has no account and cannot leave. */
function send(policy: SenderPolicy, pair: Pair, rule: string, why: string): SenderDecision {
  const allowed = findPair(policy, pair);
  if (allowed) return { action: "send", account: allowed.account, pair: allowed.pair, rule, why };
  return {
    action: "reject",
    rule,
    why: `${describe(pair)}, which ${rule} names, is not an allowed pair; add it to accounts[].senders`,
  };
}

function findPair(policy: SenderPolicy, said: Pair): AllowedPair | undefined {
  return policy.pairs.find(({ pair }) => pair.envelope === said.envelope && pair.header === said.header);
}

/** Blames the half of the pair that is not known, or the combination when both are. */
function explainRefusal(policy: SenderPolicy, said: Pair): string {
  const remedy = "add it to accounts[].senders or match it in senders.rewrite";
  if (!policy.pairs.some(({ pair }) => pair.header === said.header)) {
    return `Sender address ${said.header} is not allowed; ${remedy}`;
  }
  if (!policy.pairs.some(({ pair }) => pair.envelope === said.envelope)) {
    return `Envelope sender ${said.envelope} is not allowed; ${remedy}`;
  }
  return `${describe(said)} is not an allowed pair; ${remedy}`;
}

function describe({ envelope, header }: Pair): string {
  return envelope === header ? `Sender ${header}` : `Envelope sender ${envelope} with header From ${header}`;
}
