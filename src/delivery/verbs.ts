/**
 * The verbs of the queue command, done to one message: what its file says changes, and its job follows.
 *
 *     not in a lane's hands ─▶ [nobody fetches] record (synced) ─▶ log and journal ─▶ notice ─▶ job ─▶ wake
 *
 * Promises: no lane has the message while it is changed, and none can fetch it in between; verbs come one at a time,
 * never during a batch of recovery or a sweep. The file decides: when Redis does not take the job's change, recovery
 * makes it follow. A retry lets open breakers probe at once and never touches the budget.
 * Refuses (as a value) what is gone, in a session now, or makes no sense for the message's state.
 */
import type { Events } from "../observe/events.ts";
import type { Queues } from "../queue/queues.ts";
import { mailOf, type SpoolRecord, type StoredEntry } from "../spool/entry.ts";
import type { SpoolMessage } from "../spool/message.ts";
import type { Spool } from "../spool/spool.ts";
import { type MessageState, messageState } from "../spool/state.ts";
import { recordsFor, type Verb, type VerbResult } from "../spool/verb.ts";
import { follow, jobs } from "./follow.ts";
import type { Notices } from "./notices.ts";
import { recordFact } from "./record-facts.ts";
import type { RecoverParts } from "./recover.ts";
import { tellUntold } from "./untold.ts";

type RecoverPart = "inHand" | "untold" | "whileNotFetching" | "exclusively" | "now";

export interface VerbParts extends Pick<RecoverParts, RecoverPart> {
  readonly spool: Pick<Spool, "open" | "remove">;
  readonly queues: Pick<Queues, "find" | "all">;
  readonly events: Events;
  readonly notices: Pick<Notices, "about">;
  /** Is this account in the config? */
  readonly hasAccount: (name: string) => boolean;
  /** Whatever is stopped may be tried at once. */
  readonly probeNow: () => void;
  /** An account may have something due. */
  readonly wake: (account: string) => void;
  /** The jobs do not say what the files say: derive them again, due times included. */
  readonly recover: (reason: string) => void;
}

type State = Exclude<MessageState, { kind: "settled" }>;

const ACTIVE: VerbResult = {
  done: false,
  refused: "active",
  why: "it is in a session now: try again in a moment",
};
const GONE: VerbResult = {
  done: false,
  refused: "gone",
  why: "it is not in the queue: it was delivered, or never was here",
};

/** Does `verb` to message `id`; `reason`: the operator's words, for hold and bounce. Rejects when the disk fails. */
export function applyVerb(parts: VerbParts, verb: Verb, id: string, reason?: string): Promise<VerbResult> {
  return parts.exclusively(async () => {
    if (parts.inHand(id)) return ACTIVE;
    const account = await accountOf(parts, id);
    if ("gone" in account) return GONE;
    if ("problem" in account) return applyUnreadable(parts, verb, id, account.problem);
    const work = () => (parts.inHand(id) ? Promise.resolve(ACTIVE) : apply(parts, verb, id, reason));
    return account.name === null ? work() : parts.whileNotFetching(account.name, work);
  });
}

/** Which account's lanes must stand back. The message is opened anew when they do: it may be another by then. */
async function accountOf(
  { spool }: VerbParts,
  id: string,
): Promise<{ name: string | null } | { gone: true } | { problem: string }> {
  const opened = await spool.open(id).catch((error: Error) => error);
  if (opened instanceof Error) return { problem: `cannot be opened: ${opened.message}` };
  if (!opened.ok)
    return opened.why === "gone" ? { gone: true } : { problem: `cannot be read: ${opened.problem}` };
  await using message = opened.message;
  return { name: message.entry.account };
}

async function apply(
  parts: VerbParts,
  verb: Verb,
  id: string,
  reason: string | undefined,
): Promise<VerbResult> {
  const opened = await parts.spool.open(id);
  if (!opened.ok) return GONE; // readable a moment ago
  await using message = opened.message;
  const { entry } = message;
  const was = messageState(entry, message.records);
  if (was.kind === "settled") return GONE; // its file is about to go
  await tellUntold(parts.untold, message);
  if (verb === "delete") {
    await remove(parts, entry.id, entry);
    return { done: true, was: was.kind, is: "gone" };
  }
  const { hasAccount } = parts;
  const asked = { entry, records: message.records, at: parts.now(), reason, hasAccount };
  const decided = recordsFor(verb, asked);
  if ("why" in decided) return { done: false, refused: "not possible", is: was.kind, why: decided.why };
  for (const record of decided.append) await message.append(record);
  const is = messageState(entry, message.records) as State; // nobody was delivered to by that
  const last = decided.append.at(-1);
  if (last) await tell(parts, entry, last);
  if (is.kind === "bounced") await notice(parts, message, is);
  await follow(parts, entry, is);
  if (verb === "retry") parts.probeNow();
  if (entry.account !== null) parts.wake(entry.account);
  return { done: true, was: was.kind, is: is.kind };
}

/** What cannot be read can be removed, and nothing else: who mends it by hand retries it then. */
async function applyUnreadable(
  parts: VerbParts,
  verb: Verb,
  id: string,
  problem: string,
): Promise<VerbResult> {
  const no = (why: string): VerbResult => ({ done: false, refused: "not possible", why });
  if (verb !== "delete")
    return no(`its spool file ${problem}: mend the file and retry it, or delete the message`);
  try {
    await remove(parts, id, undefined);
    return { done: true, was: "unreadable", is: "gone" };
  } catch (error) {
    return no(`its spool file ${problem}, and cannot be removed: ${(error as Error).message}`);
  }
}

/** The journal knows before the file goes: a job that is left behind is then no alarm. */
async function remove(parts: VerbParts, id: string, entry: StoredEntry | undefined): Promise<void> {
  const mail = entry === undefined ? { id, account: null, sender: null } : mailOf(entry);
  await parts.events.fact({ event: "deleted", ...mail, by: "operator", reason: "deleted by an operator" });
  await parts.spool.remove(id);
  const queue = entry && parts.queues.find(entry.account);
  await jobs(parts, async () => {
    for (const one of queue ? [queue] : parts.queues.all()) await one.remove(id);
  });
}

/** The sender is told before the job says bounced. A notice that the disk does not take is made by recovery. */
async function notice(parts: VerbParts, message: SpoolMessage, state: State): Promise<void> {
  // "Just tried": it was given up this moment, so nobody can have been told of it before.
  await parts.notices.about(message, state, "just tried").catch((error: Error) => {
    trouble(parts, message.entry.id, `its notice has to wait: ${error.message}`);
  });
}

function tell({ events }: VerbParts, entry: StoredEntry, record: SpoolRecord): Promise<void> {
  const fact = recordFact(entry, record);
  return fact === undefined ? Promise.resolve() : events.fact(fact);
}

function trouble({ events }: VerbParts, id: string, reason: string): void {
  events.report("trouble", { part: "spool", id, reason }, "error");
}
