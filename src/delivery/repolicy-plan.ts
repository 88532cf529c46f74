/**
 * What today's policy makes of a message in the spool: the plan that repolicy.ts carries out.
 *
 * Promises: changes nothing. The same code decides as when the message was accepted, on the head that came, with the
 * Received, Date and Message-ID that it got then. What policy does not allow any more is parked; what an operator, or
 * anything else than the sender policy, parks stays parked.
 * Refuses (as a sentence) notices of ours, and what cannot be decided on or would be too large.
 */
import { type Decision, type DecisionSettings, decide } from "../decision/decide.ts";
import type { SpoolEntry, SpoolRecord, StoredEntry } from "../spool/entry.ts";
import type { SpoolMessage } from "../spool/message.ts";
import { type Repolicied, type RouteAndState, routeOf } from "../spool/route.ts";
import type { Replacement } from "../spool/spool.ts";
import { holdsOf, type MessageState, messageState } from "../spool/state.ts";
import { asOffered } from "./as-offered.ts";

export interface PlanParts {
  /** What the agent runs on now. */
  readonly settings: () => DecisionSettings & { readonly limits: { readonly messageSizeBytes: number } };
  readonly now: () => number;
}

/** What becomes of a message: what takes its place, and how it stands then. */
export interface Plan extends Replacement {
  readonly state: Exclude<MessageState, { kind: "settled" }>;
  readonly report: Repolicied;
}

/** `gone`: its file is about to go. */
export type Planned = Plan | "unchanged" | "gone" | { readonly skip: string };

/** Decides on a message again; a plan when that changes it. */
export async function planFor({ settings, now }: PlanParts, message: SpoolMessage): Promise<Planned> {
  const { entry, records } = message;
  if (entry.notice !== undefined) return { skip: "it is a notice of ours" };
  const state = messageState(entry, records);
  if (state.kind === "settled") return "gone";
  const today = settings();
  const wireHead = await message.head();
  const offered = asOffered(entry, wireHead, today.hostname);
  if ("problem" in offered) return { skip: offered.problem };
  const delivered = new Set(state.ledger.delivered.map(({ recipient }) => recipient));
  const recipients = entry.envelope.recipients.filter((recipient) => !delivered.has(recipient));
  const decision = decide(today, { ...offered, recipients }, "park");
  if (decision.action === "refuse") return { skip: decision.why };
  const head = decision.edited.bytes;
  const sizeBytes = head.length + entry.wireBytes - wireHead.length;
  if (sizeBytes >= today.limits.messageSizeBytes)
    return { skip: `it would have ${sizeBytes} bytes, which limits.messageSize does not allow` };

  const policyHold = holdsOf(entry, records).policy;
  const next = decidedAnew(entry, decision, policyHold);
  if (sameRoute(entry, next) && next.hold === policyHold && head.equals(wireHead)) return "unchanged";
  const { hold, rule, why } = next;
  const [was, is] = [routeOf(entry), routeOf(next)];
  const record: SpoolRecord = {
    at: now(),
    event: "repolicied",
    was,
    now: is,
    rule,
    why,
    ...(hold === undefined ? {} : { hold }),
  };
  const after = messageState(next, [...records, record]) as Plan["state"]; // nobody was delivered to by that
  return {
    entry: { ...next, changes: [...offered.lost, ...next.changes] },
    head,
    insteadOf: wireHead.length,
    record,
    state: after,
    report: {
      id: entry.id,
      was: { ...was, state: wordFor(state) },
      now: { ...is, state: wordFor(after) },
      rule,
      why,
      delivered: delivered.size,
    },
  };
}

/** The entry as it is decided now. What else parks it (it has an account then) goes on parking it. */
function decidedAnew(
  entry: StoredEntry,
  decision: Exclude<Decision, { action: "refuse" }>,
  policyHold: string | undefined,
): SpoolEntry {
  const { hold: _, ...rest } = entry;
  const { account, pair, rule, why, edited } = decision;
  const others = entry.account === null ? undefined : policyHold;
  const hold = decision.action === "hold" ? why : others;
  return {
    ...rest,
    account,
    envelope: { ...entry.envelope, sender: pair.envelope },
    from: pair.header,
    rule,
    why,
    changes: edited.changes,
    class: decision.class,
    ...(hold === undefined ? {} : { hold }),
    messageId: edited.messageId,
    undo: edited.undo,
  };
}

function sameRoute(one: SpoolEntry, other: SpoolEntry): boolean {
  return JSON.stringify(routeOf(one)) === JSON.stringify(routeOf(other));
}

function wordFor({ kind }: Plan["state"]): RouteAndState["state"] {
  return kind === "pending" ? "queued" : kind;
}
