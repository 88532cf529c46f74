/**
 * Recovery: the queue is derived again from the files.
 *
 * Runs at start, and whenever Redis's contents may have changed under us: it restarted, was flushed, an add
 * or a settling call failed. Promises: afterwards every pending file has a job, due when its file says; no job
 * is active that nobody works on; finished files are gone. Safe at any time and any number of times: what is
 * in order stays untouched. Goes in id order (ids sort by time), in batches that yield.
 * Refuses to judge files it cannot read: they stay where they are, and are named in an event.
 */
import { setImmediate as turn } from "node:timers/promises";
import { crashPoint } from "../observe/crash-point.ts";
import type { Events } from "../observe/events.ts";
import type { AccountQueue, Due, QueueState } from "../queue/account-queue.ts";
import type { Queues } from "../queue/queues.ts";
import { mailOf } from "../spool/entry.ts";
import type { Spool } from "../spool/spool.ts";
import { messageState } from "../spool/state.ts";
import { jobFor } from "./job.ts";
import { tellUntold, type UntoldParts } from "./untold.ts";

const BATCH = 200;

export interface RecoverParts {
  readonly spool: Spool;
  readonly queues: Queues;
  readonly events: Events;
  readonly now: () => number;
  /** Is this message in a lane's hands now? */
  readonly inHand: (id: string) => boolean;
  readonly untold: UntoldParts;
  /** Is the agent about to end? */
  readonly stopped: () => boolean;
  /** Runs `work` while no message of the account is being fetched. */
  readonly whileNotFetching: <T>(account: string, work: () => Promise<T>) => Promise<T>;
  /** Runs `work` while no verb of an operator changes a file. */
  readonly exclusively: <T>(work: () => Promise<T>) => Promise<T>;
}

export interface Recovered {
  /** Files that got a job. */
  readonly requeued: number;
  /** Jobs that were active in nobody's hands. */
  readonly reclaimed: number;
  /** Files that cannot be read, or whose account is not in the config. */
  readonly parked: number;
}

export async function recover(parts: RecoverParts): Promise<Recovered> {
  let reclaimed = 0;
  const known = new Map<string, QueueState>();
  for (const queue of parts.queues.all()) {
    await parts.whileNotFetching(queue.account, () =>
      queue.eachPage("active", async (ids, name) => {
        for (const id of ids.filter((id) => !parts.inHand(id))) {
          await queue.reclaim(id, name);
          reclaimed++;
        }
      }),
    );
    for (const state of ["bounced", "delivered", "active", "deferred", "incoming"] as const) {
      await queue.eachPage(state, (ids) => {
        for (const id of ids) known.set(id, state);
      });
    }
  }
  const absent: Absent = new Map();
  const { requeued, parked } = await requeueFiles(parts, known, absent);
  for (const [account, { id, messages }] of absent) {
    const reason = `account ${account} of ${messages} messages (the first is ${id}) is not in the config: put it back`;
    parts.events.report("trouble", { part: "spool", id, account, reason }, "error");
  }
  return { requeued, reclaimed, parked };
}

/** Accounts that the config does not have, with their first message and how many there are. */
type Absent = Map<string, { readonly id: string; readonly messages: number }>;

async function requeueFiles(parts: RecoverParts, known: ReadonlyMap<string, QueueState>, absent: Absent) {
  let requeued = 0;
  let parked = 0;
  const ids = await parts.spool.ids();
  for (let start = 0; start < ids.length; start += BATCH) {
    crashPoint("recovering");
    if (parts.stopped()) throw new Error("Cannot recover all as the agent stops: the next start does");
    // A verb in between would make the job follow the file as it was before.
    const done = await parts.exclusively(() =>
      requeueBatch(parts, ids.slice(start, start + BATCH), { known, absent }),
    );
    requeued += done.requeued;
    parked += done.parked;
    await turn();
  }
  return { requeued, parked };
}

async function requeueBatch(
  parts: RecoverParts,
  ids: readonly string[],
  { known, absent }: { known: ReadonlyMap<string, QueueState>; absent: Absent },
) {
  let requeued = 0;
  let parked = 0;
  const adds = new Map<AccountQueue, Due[]>();
  for (const id of ids) {
    const state = known.get(id);
    if (state === "incoming" || state === "active" || state === "deferred" || parts.inHand(id)) continue;
    const found = await look(parts, id, state);
    if (found === undefined) continue;
    if (found === "parked" || "absent" in found) {
      parked++;
      if (found !== "parked") {
        const before = absent.get(found.absent) ?? { id, messages: 0 };
        absent.set(found.absent, { ...before, messages: before.messages + 1 });
      }
      continue;
    }
    if (state !== undefined) await found.queue.remove(id); // a finished job stands in the way of a new one
    adds.set(found.queue, [...(adds.get(found.queue) ?? []), found.due]);
    requeued++;
  }
  for (const [queue, due] of adds) await queue.add(due, parts.now());
  return { requeued, parked };
}

/** What the file of `id` asks for; undefined when its job, in `state`, is right as it is. */
async function look(
  parts: RecoverParts,
  id: string,
  state: QueueState | undefined,
): Promise<{ queue: AccountQueue; due: Due } | { absent: string } | "parked" | undefined> {
  const parked = (reason: string) => {
    parts.events.report("trouble", { part: "spool", id, reason }, "error");
    return "parked" as const;
  };
  const opened = await parts.spool.open(id).catch((error: Error) => error);
  if (opened instanceof Error) return parked(`its spool file cannot be opened: ${opened.message}`);
  if (!opened.ok)
    return opened.why === "gone" ? undefined : parked(`its spool file cannot be read: ${opened.problem}`);
  await using message = opened.message;
  const { entry } = message;
  await tellUntold(parts.untold, message);
  const queue = parts.queues.find(entry.account);
  if (!queue) return { absent: String(entry.account) };
  const now = messageState(entry, message.records);
  if (now.kind === "settled") {
    // a crash came between the outcome and the unlink
    await parts.events.fact({ event: "finished", ...mailOf(entry) });
    await parts.spool.remove(id);
    return undefined;
  }
  if (now.kind === "bounced" && state === "bounced") return undefined;
  return { queue, due: jobFor(entry, now, parts.now()) };
}
