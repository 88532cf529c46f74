/**
 * What waits and why: the rows of the queue, filtered and paged, refreshed in place.
 *
 * Promises: a page of 50 rows at a time, never the whole queue; asks again 3 seconds after an answer at the soonest, and
 * not while it is out of sight; one question at a time, unless the reader asks another: then the older one ends.
 */
import { LoggedOut, type QueueRow, queue } from "./api.ts";
import { byId, KeyedList, setText } from "./dom.ts";
import { filter, onFilter } from "./filters.ts";
import { count } from "./format.ts";
import { showPrograms } from "./programs.ts";
import { queueRow } from "./queue-row.ts";

const ROWS = 50;
const EVERY_MS = 3000;
/** An answer may be empty with more to come: so often it is asked to go on before the reader is. */
const MOST_ANSWERS = 20;

const table = new KeyedList(byId("waiting-rows"), ({ id }: QueueRow) => id, queueRow);
const first = byId<HTMLButtonElement>("waiting-first");
const onward = byId<HTMLButtonElement>("waiting-next");
const empty = byId("waiting-empty");

let after: string | undefined;
let next: string | undefined;
let asked = 0;
let isLoading = false;
/** Something may have changed while it was asked. */
let isStale = false;
let loadedAtMs = Number.NEGATIVE_INFINITY;
let timer: ReturnType<typeof setTimeout> | undefined;
let onLoggedOut: () => void = () => {};

/** Wires the filters and the pages. */
export function startWaiting(loggedOut: () => void): void {
  onLoggedOut = loggedOut;
  onFilter((inMs) => turnTo(undefined, inMs));
  first.addEventListener("click", () => turnTo(undefined, 0));
  onward.addEventListener("click", () => turnTo(next, 0));
  document.addEventListener("visibilitychange", refreshWaiting);
}

/** Something may have changed. */
export function refreshWaiting(): void {
  if (timer !== undefined || byId("home").hidden || document.hidden) return;
  if (isLoading) isStale = true;
  else schedule(Math.max(0, loadedAtMs + EVERY_MS - performance.now()));
}

function turnTo(place: string | undefined, inMs: number): void {
  after = place;
  clearTimeout(timer);
  schedule(inMs);
}

function schedule(inMs: number): void {
  timer = setTimeout(() => {
    timer = undefined;
    void load();
  }, inMs);
}

async function load(): Promise<void> {
  const mine = ++asked;
  isLoading = true;
  isStale = false;
  try {
    const page = await collect(() => mine === asked);
    if (mine === asked) show(page);
  } catch (error) {
    if (mine === asked) tell(error as Error);
  }
  if (mine !== asked) return;
  isLoading = false;
  loadedAtMs = performance.now();
  if (isStale) refreshWaiting();
}

function tell(error: Error): void {
  if (error instanceof LoggedOut) onLoggedOut();
  else setText(byId("waiting-count"), error.message);
}

interface Collected {
  readonly rows: readonly QueueRow[];
  readonly next: string | undefined;
}

async function collect(isWanted: () => boolean): Promise<Collected> {
  const rows: QueueRow[] = [];
  const filters = filter();
  let place = after;
  for (let answers = 0; answers < MOST_ANSWERS && isWanted(); answers++) {
    const limit = String(ROWS - rows.length);
    const page = await queue({ ...filters, limit, ...(place === undefined ? {} : { after: place }) });
    rows.push(...page.rows);
    place = page.more ? (page.next ?? page.rows.at(-1)?.id) : undefined;
    if (place === undefined || rows.length >= ROWS) break;
  }
  return { rows, next: place };
}

function show(page: Collected): void {
  next = page.next;
  table.show(page.rows);
  showPrograms(page.rows);
  byId("waiting-table").hidden = page.rows.length === 0;
  empty.hidden = page.rows.length > 0;
  setText(empty, emptyWords());
  setText(byId("waiting-count"), countWords(page.rows.length));
  first.hidden = after === undefined;
  onward.hidden = next === undefined;
}

function countWords(rows: number): string {
  if (rows === 0) return "";
  return next === undefined && after === undefined
    ? count(rows, "message")
    : `${count(rows, "message")} on this page, oldest first`;
}

function emptyWords(): string {
  if (next !== undefined) return "Nothing here so far; there is more of the queue to look through.";
  if (Object.keys(filter()).length > 0)
    return "Nothing in the queue is like that. Mail that has gone is found by the search above.";
  if (after !== undefined) return "Nothing more waits.";
  return "Nothing waits. What arrives now goes out at once, as far as the hour's budget allows.";
}
