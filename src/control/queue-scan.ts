/**
 * Going through the queue: the rows or the ids of the messages that a filter lets through, oldest first, in slices.
 *
 * Promises: one call looks at a bounded number of files, for a bounded time, a few of them at once, and in between
 * whoever else asks is answered; `next` says where to go on. A filter opens every file up to where it can end: ids sort
 * by time, so an age ends it. Without a filter only the files that are shown are opened.
 */
import { timeOfQueueId } from "../spool/queue-id.ts";
import { makesSense, type Verb } from "../spool/verb.ts";
import {
  look,
  type QueueOutlook,
  type QueueRow,
  type QueueSource,
  rowOf,
  type Seen,
  type ShownState,
} from "./queue-view.ts";

/** Files that are open at once: more bring nothing (Node reads with four threads). */
const AT_ONCE = 32;
const SLICE_MS = 1000;
const SLICE_FILES = 20_000;

export interface QueueFilter {
  readonly state?: ShownState;
  /** Part of the envelope sender, in any case. */
  readonly sender?: string;
  /** Part of a recipient, in any case. */
  readonly recipient?: string;
  readonly account?: string;
  readonly user?: string;
  readonly olderThanMs?: number;
  /** Only what this verb makes sense for. */
  readonly verb?: Verb;
}

export interface QueuePage {
  /** Go on after this id; from the oldest without. */
  readonly after?: string;
  readonly limit: number;
}

/** Where to go on: null when all was looked at. */
interface Rest {
  readonly next: string | null;
}

/** The next rows; fewer than `limit`, or none, do not mean the end: `more` does, and `next` with it. */
export async function listQueue(
  source: QueueSource,
  filter: QueueFilter,
  page: QueuePage,
): Promise<{ rows: QueueRow[]; more: boolean } & Rest> {
  const found: Seen[] = [];
  const next = await scan(source, filter, page, (seen) => found.push(seen));
  const outlooks = await outlooksOf(source, found);
  const rows = found.map((seen) => rowOf(seen, source.now(), outlooks.get(seen.waitsIn)));
  return { rows, more: next !== null, next };
}

/** The same, ids alone: for verbs on many messages. */
export async function idsInQueue(
  source: QueueSource,
  filter: QueueFilter,
  page: QueuePage,
): Promise<{ ids: string[] } & Rest> {
  const ids: string[] = [];
  const next = await scan(source, filter, page, ({ entry }) => ids.push(entry.id));
  return { ids, next };
}

/** Calls `see` for what the filter lets through, one slice of it; gives the id to go on after, null at the end. */
export async function scan(
  source: QueueSource,
  filter: QueueFilter,
  { after, limit }: QueuePage,
  see: (seen: Seen) => void,
): Promise<string | null> {
  const all = await source.spool.ids();
  const ids = filter.state === "active" ? all.filter((id) => source.active(id)) : all; // no file knows that
  const first = after === undefined ? 0 : ids.findIndex((id) => id > after);
  if (first < 0) return null;
  const startMs = source.now();
  const youngestMs = startMs - (filter.olderThanMs ?? 0);
  let seen = 0;
  let last: string | null = null;
  for (let at = first; at < ids.length; at += AT_ONCE) {
    const looked = at - first;
    if (looked >= SLICE_FILES || (looked > 0 && source.now() - startMs > SLICE_MS)) return last;
    const some = ids.slice(at, at + AT_ONCE);
    const found = await Promise.all(some.map((id) => look(source, id)));
    for (const [index, id] of some.entries()) {
      if (filter.olderThanMs !== undefined && timeOfQueueId(id) > youngestMs) return null;
      const one = found[index];
      if (one && matches(one, filter, source.now())) {
        if (seen === limit) return last;
        see(one);
        seen++;
      }
      last = id;
    }
  }
  return null;
}

/** One answer for each account serves all its messages. */
async function outlooksOf(
  source: QueueSource,
  found: readonly Seen[],
): Promise<ReadonlyMap<string | undefined, QueueOutlook | undefined>> {
  const waiting = new Map<string, Seen["entry"][]>();
  for (const { entry, waitsIn } of found) {
    if (waitsIn === undefined) continue;
    const others = waiting.get(waitsIn);
    if (others) others.push(entry);
    else waiting.set(waitsIn, [entry]);
  }
  const asked = [...waiting].map(
    async ([account, entries]) => [account, await source.outlook(account, entries)] as const,
  );
  return new Map(await Promise.all(asked));
}

function matches(seen: Seen, filter: QueueFilter, nowMs: number): boolean {
  const { state, verb, account, user, sender, recipient, olderThanMs } = filter;
  if (state !== undefined && seen.shown !== state) return false;
  if (verb !== undefined && !makesSense(verb, seen.state.kind)) return false;
  const row = rowOf(seen, nowMs, undefined);
  if (account !== undefined && row.account !== account) return false;
  if (user !== undefined && row.user !== user) return false;
  if (sender !== undefined && !contains(row.sender, sender)) return false;
  if (recipient !== undefined && !row.recipients.some((address) => contains(address, recipient)))
    return false;
  return olderThanMs === undefined || row.age * 1000 >= olderThanMs;
}

function contains(text: string, part: string): boolean {
  return text.toLowerCase().includes(part.toLowerCase());
}
