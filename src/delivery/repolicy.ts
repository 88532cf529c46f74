/**
 * Today's policy, run again on what is in the spool: queued, held and bounced mail.
 *
 *     look (nothing stops for it) ─▶ as it is: left alone
 *                                 └▶ otherwise ─▶ not in a lane's hands ─▶ [nobody fetches] look again
 *                                        ─▶ file replaced (synced) ─▶ log and journal ─▶ job to its queue ─▶ wake
 *
 * Promises: the decision is the listener's, by its code, on the head that came; who was delivered to stays delivered;
 * whatever dies, there is the old message or the new one, whole, with all that happened to it. What policy parked and
 * now allows goes its way; what an operator holds stays held, what bounced stays bounced; what is not allowed any more
 * is parked, never dropped and never bounced. Goes in pages that end after a short time.
 * Refuses, each with a sentence, notices of ours, what is in a session now, and what cannot be read or written.
 */
import { policyFingerprint } from "../decision/fingerprint.ts";
import type { SpoolEntry, StoredEntry } from "../spool/entry.ts";
import type { SpoolMessage } from "../spool/message.ts";
import type { Repolicied, RepolicyAsked, RepolicyPage } from "../spool/route.ts";
import type { Spool } from "../spool/spool.ts";
import { type FollowParts, follow } from "./follow.ts";
import { recordFact } from "./record-facts.ts";
import { type PlanParts, planFor } from "./repolicy-plan.ts";
import { tellUntold } from "./untold.ts";
import type { VerbParts } from "./verbs.ts";

const PAGE_MESSAGES = 500;
const PAGE_MS = 200;
/** Messages that are worked on at a time: they share the syncs of the folder. */
const TOGETHER = 16;

type FromVerbs = "inHand" | "untold" | "whileNotFetching" | "exclusively" | "events" | "wake";

export interface RepolicyParts extends Pick<VerbParts, FromVerbs>, FollowParts, PlanParts {
  readonly spool: Pick<Spool, "ids" | "open" | "replace">;
  /** Since when the agent runs on these settings, milliseconds since 1970. */
  readonly settingsSinceMs: () => number;
  /** How long the pair of a message could be worked for so far, milliseconds. */
  readonly workedMs: (entry: SpoolEntry) => number;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
}

type Looked = { readonly changed: Repolicied } | "unchanged" | "gone" | { readonly skip: string };

const ACTIVE = { skip: "it is in a session now: run it again in a moment" } as const;

export class Repolicy {
  readonly #parts: RepolicyParts;
  /** What was in the spool when the last run began; kept until that ends, as listing it for each page costs more. */
  #ids: readonly string[] | undefined;

  constructor(parts: RepolicyParts) {
    this.#parts = parts;
  }

  /** One page. Rejects only when the spool cannot be listed. */
  async page({ mode, after }: RepolicyAsked): Promise<RepolicyPage> {
    const parts = this.#parts;
    if (after === undefined || this.#ids === undefined) this.#ids = await parts.spool.ids();
    const ids = this.#ids;
    const start = after === undefined ? 0 : ids.findIndex((id) => id > after);
    const endMs = parts.elapsed() + PAGE_MS;
    const changed: Repolicied[] = [];
    const skipped: { id: string; why: string }[] = [];
    let unchanged = 0;
    let at = start < 0 ? ids.length : start;
    const lastAt = Math.min(ids.length, at + PAGE_MESSAGES);
    while (at < lastAt && parts.elapsed() < endMs) {
      const batch = ids.slice(at, Math.min(lastAt, at + TOGETHER));
      at += batch.length;
      for (const [id, found] of await together(parts, batch, mode)) {
        if (found === "unchanged") unchanged++;
        else if (found === "gone") continue;
        else if ("changed" in found) changed.push(found.changed);
        else skipped.push({ id, why: found.skip });
      }
    }
    const next = at < ids.length ? (ids[at - 1] ?? null) : null;
    if (next === null) this.#ids = undefined;
    const since = new Date(parts.settingsSinceMs()).toISOString();
    const policy = { since, fingerprint: policyFingerprint(parts.settings()) };
    return { changed, unchanged, skipped, next, policy };
  }
}

/** Looks at some messages, and changes what is to be changed of them. */
async function together(
  parts: RepolicyParts,
  ids: readonly string[],
  mode: RepolicyAsked["mode"],
): Promise<ReadonlyMap<string, Looked>> {
  const found = new Map<string, Looked>();
  const see = async (id: string, work: (message: SpoolMessage) => Promise<Looked>) =>
    void found.set(id, await withMessage(parts, id, work));
  for (const id of ids) found.set(id, "gone"); // the order of the page
  await Promise.all(ids.map((id) => see(id, (message) => look(parts, message))));
  const byAccount = new Map<string | null, string[]>();
  for (const [id, seen] of mode === "apply" ? found : []) {
    if (typeof seen === "string" || "skip" in seen) continue;
    const { account } = seen.changed.was;
    byAccount.set(account, [...(byAccount.get(account) ?? []), id]);
  }
  for (const [account, its] of byAccount) {
    const work = () => Promise.all(its.map((id) => see(id, (message) => change(parts, message, account))));
    await parts.exclusively(() => (account === null ? work() : parts.whileNotFetching(account, work)));
  }
  return found;
}

/** Trouble with one message is told of that one, and no reason to stop before the others. */
async function withMessage(
  parts: RepolicyParts,
  id: string,
  work: (message: SpoolMessage) => Promise<Looked>,
): Promise<Looked> {
  try {
    if (parts.inHand(id)) return ACTIVE;
    const opened = await parts.spool.open(id);
    if (!opened.ok)
      return opened.why === "gone" ? "gone" : { skip: `its spool file cannot be read: ${opened.problem}` };
    await using message = opened.message;
    return await work(message);
  } catch (error) {
    return { skip: (error as Error).message };
  }
}

async function look(parts: RepolicyParts, message: SpoolMessage): Promise<Looked> {
  const plan = await planFor(parts, message);
  return typeof plan === "object" && "report" in plan ? { changed: plan.report } : plan;
}

/** Looks again while nobody can fetch it from the queue of `account`, and does it. */
async function change(parts: RepolicyParts, message: SpoolMessage, account: string | null): Promise<Looked> {
  if (message.entry.account !== account) return { skip: "it was changed meanwhile" };
  await tellUntold(parts.untold, message);
  const plan = await planFor(parts, message);
  if (typeof plan === "string" || "skip" in plan) return plan;
  const { state, record, report } = plan;
  const entry = { ...plan.entry, ...aged(parts, message.entry, plan.entry) };
  try {
    await parts.spool.replace(message, { ...plan, entry });
  } catch (error) {
    parts.recover("a message could not be given to another pair"); // it may be the one or the other now
    throw error;
  }
  const fact = recordFact(entry, record);
  if (fact) await parts.events.fact(fact);
  await follow(parts, entry, state, account);
  if (entry.account !== null) parts.wake(entry.account);
  return { changed: report };
}

/** It is as old for its new pair as it was for the one before, each by its own clock. */
function aged(parts: RepolicyParts, entry: StoredEntry, next: SpoolEntry): Pick<SpoolEntry, "workedMs"> {
  if (entry.workedMs === undefined) return {};
  const { workedMs: _, ...fresh } = next;
  return { workedMs: parts.workedMs(fresh) - (parts.workedMs(entry) - entry.workedMs) };
}
