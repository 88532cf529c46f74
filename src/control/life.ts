/**
 * The life of a message, told from its facts in the journal: what `sluice trace` shows.
 *
 * Promises: pure; the shape is stable, for programs to rely on. A fact that lacks what facts have, as an older version or
 * a torn disk may leave it, is shown with what it has.
 */
import type { JournalLine } from "../journal/journal.ts";

export const LIFE_STATES = [
  "incoming",
  "active",
  "deferred",
  "held",
  "bounced",
  "delivered",
  "rejected",
  "deleted",
] as const;

export type LifeState = (typeof LIFE_STATES)[number];

export interface Life {
  /** Queue id; null for what was refused before it had one. */
  readonly id: string | null;
  readonly messageId: string | null;
  /** Envelope sender it goes out with; in the client's words when it was refused. */
  readonly sender: string | null;
  readonly from: string | null;
  readonly recipients: readonly string[];
  readonly account: string | null;
  readonly user: string | null;
  /** Where `keep.subjects` keeps them. */
  readonly subject: string | null;
  readonly state: LifeState;
  /** Whether it is in the queue, so that something may be done about it. */
  readonly inQueue: boolean;
  /** Why it waits, and when it is tried again (ISO 8601): known of what is in the queue. */
  readonly reason: string | null;
  readonly nextAttempt: string | null;
  /** It is a notice, about message `of`. */
  readonly notice: { readonly kind: string; readonly of: string | null } | null;
  /** Notices about it. */
  readonly notices: readonly NoticeAbout[];
  readonly facts: readonly JournalLine[];
}

export interface NoticeAbout {
  readonly id: string;
  readonly kind: string;
  readonly at: string;
  readonly recipients: readonly string[];
}

/** Any fact, read with the care that a file on disk deserves. */
type AnyFact = Readonly<Record<string, unknown>>;

/** Makes a life of a message's facts, oldest first, and of the facts `accepted` of the notices about it. */
export function lifeOf(facts: readonly JournalLine[], aboutIt: readonly JournalLine[] = []): Life {
  const first = <T>(read: (fact: AnyFact) => T | undefined): T | null => {
    for (const fact of facts) {
      const value = read(fact as unknown as AnyFact);
      if (value !== undefined) return value;
    }
    return null;
  };
  const text = (name: string) => first((fact) => textIn(fact, name));
  return {
    id: text("id"),
    messageId: text("messageId"),
    sender: text("sender"),
    from: text("from"),
    recipients: recipientsOf(facts),
    account: text("account"),
    user: text("user"),
    subject: text("subject"),
    state: stateOf(facts),
    inQueue: false,
    reason: null,
    nextAttempt: null,
    notice: first(noticeIn),
    notices: aboutIt.flatMap(noticeAbout),
    facts,
  };
}

/** Everybody who is named, in the order of the naming: the fact `accepted` names all, if it is still there. */
function recipientsOf(facts: readonly JournalLine[]): string[] {
  return [...new Set(facts.flatMap((fact) => listIn(fact as unknown as AnyFact, "recipients")))];
}

function stateOf(facts: readonly JournalLine[]): LifeState {
  const pending = new Set(recipientsOf(facts));
  const failed = new Set<string>();
  let state: LifeState = "incoming";
  for (const fact of facts) {
    const recipients = listIn(fact as unknown as AnyFact, "recipients");
    switch (fact.event) {
      case "rejected":
      case "deferred":
      case "deleted":
      case "held":
        state = fact.event;
        break;
      case "repolicied":
        if (fact.hold !== undefined) state = "held";
        else if (state === "held" && !facts.some((one) => one.event === "held" && one.by === "operator"))
          state = "incoming";
        break;
      case "finished":
        state = "delivered";
        break;
      case "released":
        state = "incoming";
        for (const one of fact.verb === "retry" ? failed : []) pending.add(one);
        if (fact.verb === "retry") failed.clear();
        break;
      case "delivered":
        for (const one of recipients) pending.delete(one);
        if (pending.size === 0) state = failed.size === 0 ? "delivered" : "bounced";
        break;
      case "bounced":
      case "expired":
        for (const one of recipients) if (pending.delete(one)) failed.add(one);
        if (pending.size === 0) state = "bounced";
        break;
      case "accepted":
        break;
    }
  }
  return state;
}

function noticeIn(fact: AnyFact): Life["notice"] | undefined {
  const { notice } = fact;
  if (typeof notice !== "object" || notice === null) return undefined;
  const { kind, of } = notice as AnyFact;
  return { kind: String(kind), of: typeof of === "string" ? of : null };
}

function noticeAbout(fact: JournalLine): NoticeAbout[] {
  const read = fact as unknown as AnyFact;
  const [id, notice] = [textIn(read, "id"), noticeIn(read)];
  if (id === undefined || !notice) return [];
  return [{ id, kind: notice.kind, at: String(fact.at), recipients: listIn(read, "recipients") }];
}

function textIn(fact: AnyFact, name: string): string | undefined {
  const value = fact[name];
  return typeof value === "string" ? value : undefined;
}

function listIn(fact: AnyFact, name: string): string[] {
  const value = fact[name];
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
