/**
 * The queue over HTTP: rows, ids, one message, counts, and the verbs.
 *
 *     GET  /api/v1/queue            rows that a filter lets through, a slice: { rows, more, next }, go on with after=next
 *     GET  /api/v1/queue/ids        the same, ids alone: { ids, next }
 *     GET  /api/v1/queue/stats      counts by Redis: 503 while it does not answer
 *     GET  /api/v1/queue/count      counts of a slice of the files: { states, oldest, next }
 *     GET  /api/v1/queue/:id        everything about one message
 *     POST /api/v1/queue/:id/:verb  a verb to one message
 *     POST /api/v1/queue/bulk/:verb the same to many, { ids, reason }: { results }, one for each id as far as it came
 *
 * Promises: see api.ts. An id is looked at before it names a file. Nothing works longer than a few seconds for one
 * request: the caller goes on where the answer ends.
 */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { isQueueId } from "../spool/queue-id.ts";
import { VERBS, type Verb, type VerbResult } from "../spool/verb.ts";
import { BULK_IDS, type IdOutcome, type Outcome } from "./bulk.ts";
import { idsInQueue, listQueue, type QueueFilter, type QueuePage } from "./queue-scan.ts";
import { countSlice, type QueueFigures, queueStats } from "./queue-stats.ts";
import { type QueueSource, SHOWN_STATES, showMessage } from "./queue-view.ts";

/** An operator's words go into a notice and a log line. */
const MAX_REASON = 200;
const MAX_ROWS = 10_000;
const MAX_IDS = 20_000;
const BULK_MS = 5000;

export interface QueueApiParts {
  readonly source: QueueSource;
  readonly figures: QueueFigures;
  /** Does a verb to one message; `reason`: the operator's words. */
  readonly apply: (verb: Verb, id: string, reason?: string) => Promise<VerbResult>;
}

const filterShape = {
  state: z.enum(SHOWN_STATES).optional(),
  sender: z.string().optional(),
  recipient: z.string().optional(),
  account: z.string().optional(),
  user: z.string().optional(),
  olderThanMs: z.coerce.number().nonnegative().optional(),
  verb: z.enum(VERBS).optional(),
  after: z.string().optional(),
};
const limit = (most: number) => z.coerce.number().int().positive().max(most);
const rowsSchema = z.object({ ...filterShape, limit: limit(MAX_ROWS).default(1000) });
const idsSchema = z.object({ ...filterShape, limit: limit(MAX_IDS).default(MAX_IDS) });
const afterSchema = z.object({ after: z.string().optional() });

const reason = z.string().trim().min(1).max(MAX_REASON).optional();
const verbSchema = z.strictObject({ reason });
const bulkSchema = z.strictObject({ ids: z.array(z.string()).min(1).max(BULK_IDS), reason });

/** Adds the routes. */
export function serveQueue(server: FastifyInstance, parts: QueueApiParts): void {
  const { source, figures } = parts;
  server.get("/api/v1/queue", ({ query }) => {
    const asked = withoutUndefined(rowsSchema.parse(query));
    return listQueue(source, asked, asked);
  });
  server.get("/api/v1/queue/ids", ({ query }) => {
    const asked = withoutUndefined(idsSchema.parse(query));
    return idsInQueue(source, asked, asked);
  });
  server.get("/api/v1/queue/count", ({ query }) => countSlice(source, afterSchema.parse(query).after));
  server.get("/api/v1/queue/stats", async (_request, answer) => {
    const found = await queueStats(source, figures).catch((error: Error) => error);
    if (found instanceof Error) return answer.code(503).send({ error: found.message });
    return { ...found, budget: await figures.budgets() };
  });
  server.get("/api/v1/queue/budget", () => figures.budgets());
  server.get<{ Params: { id: string } }>("/api/v1/queue/:id", async ({ params }, answer) => {
    const found = isQueueId(params.id) ? await showMessage(source, params.id) : undefined;
    return found ?? answer.code(404).send({ error: `no message ${params.id} in the queue` });
  });
  serveVerbs(server, parts);
}

function serveVerbs(server: FastifyInstance, { apply }: QueueApiParts): void {
  const gone = (id: string): VerbResult => ({
    done: false,
    refused: "gone",
    why: `${id} is not a queue id`,
  });
  const known = (verb: string) => VERBS.find((one) => one === verb);
  const unknown = (verb: string) => ({ error: `no verb ${verb}: there are ${VERBS.join(", ")}` });
  server.post<{ Params: { verb: string } }>("/api/v1/queue/bulk/:verb", async (request, answer) => {
    const { params, body, socket } = request;
    const verb = known(params.verb);
    if (!verb) return answer.code(404).send(unknown(params.verb));
    const { ids, reason } = bulkSchema.parse(body);
    const results: IdOutcome[] = [];
    for (const end = Date.now() + BULK_MS; results.length < ids.length; ) {
      // Whoever asked went away, or the agent ends: nothing more is touched.
      if (socket.destroyed || (results.length > 0 && Date.now() > end)) break;
      const id = ids[results.length] as string;
      const outcome = isQueueId(id) ? await apply(verb, id, reason).catch(failed) : gone(id);
      results.push({ id, ...outcome });
    }
    return { results };
  });
  server.post<{ Params: { id: string; verb: string } }>(
    "/api/v1/queue/:id/:verb",
    async ({ params, body }, answer) => {
      const { id } = params;
      const verb = known(params.verb);
      if (!verb) return answer.code(404).send(unknown(params.verb));
      const { reason } = verbSchema.parse(body ?? {});
      const result = isQueueId(id) ? await apply(verb, id, reason) : gone(id);
      if (result.done) return { result };
      return answer.code(result.refused === "gone" ? 404 : 409).send({ result, error: result.why });
    },
  );
}

function failed({ message }: Error): Outcome {
  return { done: false, refused: "failed", why: `the agent could not do it: ${message}` };
}

function withoutUndefined<T extends object>(asked: T) {
  const said = Object.entries(asked).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said) as unknown as QueueFilter & QueuePage;
}
