/**
 * The queue over HTTP: rows, one message, counts, and the verbs.
 *
 * Promises: see api.ts. An id is looked at before it names a file.
 */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { isQueueId } from "../spool/queue-id.ts";
import { VERBS, type Verb, type VerbResult } from "../spool/verb.ts";
import {
  listQueue,
  type QueueFilter,
  type QueueSource,
  queueStats,
  SHOWN_STATES,
  showMessage,
} from "./queue-view.ts";

/** An operator's words go into a notice and a log line. */
const MAX_REASON = 200;

export interface QueueApiParts {
  readonly source: QueueSource;
  /** Does a verb to one message; `reason`: the operator's words. */
  readonly apply: (verb: Verb, id: string, reason?: string) => Promise<VerbResult>;
}

const filterSchema = z.object({
  state: z.enum(SHOWN_STATES).optional(),
  sender: z.string().optional(),
  recipient: z.string().optional(),
  account: z.string().optional(),
  olderThanMs: z.coerce.number().nonnegative().optional(),
  limit: z.coerce.number().int().positive().default(1000),
});

const verbSchema = z.strictObject({ reason: z.string().trim().min(1).max(MAX_REASON).optional() });

/** Adds the routes. */
export function serveQueue(server: FastifyInstance, { source, apply }: QueueApiParts): void {
  server.get("/api/v1/queue", async (request) => {
    const filter = filterSchema.parse(request.query);
    return listQueue(source, withoutUndefined(filter));
  });
  server.get("/api/v1/queue/stats", () => queueStats(source));
  server.get<{ Params: { id: string } }>("/api/v1/queue/:id", async ({ params }, answer) => {
    const found = isQueueId(params.id) ? await showMessage(source, params.id) : undefined;
    return found ?? answer.code(404).send({ error: `no message ${params.id} in the queue` });
  });
  server.post<{ Params: { id: string; verb: string } }>(
    "/api/v1/queue/:id/:verb",
    async ({ params: { id, verb }, body }, answer) => {
      const known = VERBS.find((one) => one === verb);
      if (!known) return answer.code(404).send({ error: `no verb ${verb}: there are ${VERBS.join(", ")}` });
      const { reason } = verbSchema.parse(body ?? {});
      const result: VerbResult = isQueueId(id)
        ? await apply(known, id, reason)
        : { done: false, refused: "gone", why: `${id} is not a queue id` };
      if (result.done) return { result };
      return answer.code(result.refused === "gone" ? 404 : 409).send({ result, error: result.why });
    },
  );
}

function withoutUndefined(filter: z.infer<typeof filterSchema>): QueueFilter {
  return Object.fromEntries(
    Object.entries(filter).filter(([, value]) => value !== undefined),
  ) as unknown as QueueFilter;
}
