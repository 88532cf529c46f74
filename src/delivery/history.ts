/**
 * What delivery asks the journal, and what it still owes it.
 *
 * Promises: answers come from the journal's files alone, so they survive the loss of Redis and of memory; how the last
 * run ended is read once, before this one writes its first line.
 */
import { wasFinished } from "../journal/questions.ts";
import { endOfJournal } from "../journal/read.ts";
import type { Events } from "../observe/events.ts";
import { isQueueId, timeOfQueueId } from "../spool/queue-id.ts";
import { SLACK_MS, toldKey, type UntoldParts } from "./untold.ts";

/** How the last run ended, as far as the journal knows. */
export type LastRun = Pick<UntoldParts, "gap" | "told">;

/** Reads how the last run ended; to be called before the first line of this one, at `startMs` (milliseconds since 1970). */
export async function readLastRun(journalFolder: string, startMs: number): Promise<LastRun> {
  const end = await endOfJournal(journalFolder, SLACK_MS).catch(() => undefined);
  return {
    gap: { fromMs: end?.lastMs ?? startMs, toMs: startMs },
    told: new Set(end?.lines.flatMap((line) => (line.id === undefined ? [] : [toldKey(line)]))),
  };
}

export class History {
  readonly journalFolder: string;
  readonly untold: UntoldParts;

  constructor(parts: { journalFolder: string; events: Pick<Events, "fact">; lastRun: LastRun }) {
    this.journalFolder = parts.journalFolder;
    this.untold = { events: parts.events, now: Date.now, ...parts.lastRun };
  }

  /** Whether the journal says that this message, whose file is gone, was finished. */
  async wasFinished(id: string): Promise<boolean> {
    if (!isQueueId(id)) return false;
    return wasFinished(this.journalFolder, { id, acceptedMs: timeOfQueueId(id) }, Date.now());
  }
}
