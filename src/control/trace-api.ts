/**
 * `GET /api/v1/trace?term=…&since=&until=&limit=`: the lives of messages, for the command and the status page.
 *
 * Promises: one search at a time, whichever server it came to, so that many askers cost no more than one; a search ends
 * when its asker goes away.
 * Refuses times that are none (400), and more than `MOST_WAITING` askers at once (503).
 */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { MOMENT_FORMS, type Moment, parseMoment } from "./moment.ts";
import { type QueueSource, showMessage } from "./queue-view.ts";
import { MOST_MESSAGES, type TraceQuestion, trace } from "./trace.ts";

const MOST_WAITING = 10;

export interface TraceApiParts {
  readonly source: QueueSource;
  readonly journalFolder: string;
  /** The same for all who serve this journal. */
  readonly searches: Searches;
}

/** One after the other. */
export class Searches {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** May another one wait? */
  get room(): boolean {
    return this.#waiting < MOST_WAITING;
  }

  /** Rejects with the signal's reason when it is aborted before its turn. */
  run<T>(search: () => Promise<T>, signal: AbortSignal): Promise<T> {
    this.#waiting++;
    const searched = this.#last.then(() => {
      signal.throwIfAborted();
      return search();
    });
    this.#last = searched.catch(() => {});
    return searched.finally(() => this.#waiting--);
  }
}

const querySchema = z.object({
  term: z.string().trim().min(1).max(1000),
  since: z.string().optional(),
  until: z.string().optional(),
  limit: z.coerce.number().int().positive().max(MOST_MESSAGES).default(20),
});

/** Adds the route. */
export function serveTrace(
  server: FastifyInstance,
  { source, journalFolder, searches }: TraceApiParts,
): void {
  const parts = { folder: journalFolder, queued: (id: string) => showMessage(source, id) };
  server.get("/api/v1/trace", async (request, answer) => {
    const question = questionOf(querySchema.parse(request.query), source.now());
    if (!searches.room)
      return answer.code(503).send({ error: `${MOST_WAITING} searches wait already: try again in a moment` });
    const asker = new AbortController();
    answer.raw.once("close", () => asker.abort());
    return searches.run(() => trace(parts, question, asker.signal), asker.signal);
  });
}

function questionOf(
  { term, since, until, limit }: z.infer<typeof querySchema>,
  nowMs: number,
): TraceQuestion {
  return {
    term,
    limit,
    ...(since ? { sinceMs: momentOf("since", since, nowMs).fromMs } : {}),
    ...(until ? { untilMs: momentOf("until", until, nowMs).toMs } : {}),
  };
}

function momentOf(name: string, text: string, nowMs: number): Moment {
  const moment = parseMoment(text, nowMs);
  if (moment) return moment;
  throw Object.assign(new Error(`${name} is no time: ${MOMENT_FORMS}`), { statusCode: 400 });
}
