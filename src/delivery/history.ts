/**
 * What delivery asks the journal, and what it still owes it.
 *
 * Promises: answers come from the journal's files alone, so they survive the loss of Redis and of memory.
 */
import { wasFinished, wasTold } from "../journal/questions.ts";
import type { Events } from "../observe/events.ts";
import { isQueueId, timeOfQueueId } from "../spool/queue-id.ts";
import type { UntoldParts } from "./untold.ts";

export interface HistoryParts {
  readonly journalFolder: string;
  readonly events: Pick<Events, "fact">;
  /** The end of the last run: the time of the journal's last line, and when this run began; milliseconds since 1970. */
  readonly gap: { readonly fromMs: number; readonly toMs: number };
}

export class History {
  readonly journalFolder: string;
  readonly untold: UntoldParts;

  constructor({ journalFolder, events, gap }: HistoryParts) {
    this.journalFolder = journalFolder;
    this.untold = { events, gap, now: Date.now, wasTold: (attempt) => wasTold(journalFolder, attempt) };
  }

  /** Whether the journal says that this message, whose file is gone, was finished. */
  async wasFinished(id: string): Promise<boolean> {
    if (!isQueueId(id)) return false;
    return wasFinished(this.journalFolder, { id, acceptedMs: timeOfQueueId(id) }, Date.now());
  }
}
