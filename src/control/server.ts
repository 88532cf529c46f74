/**
 * The control socket: how the commands reach a running agent. HTTP on a unix socket, JSON both ways.
 *
 * Promises: only who may open the socket (0660) is served; what is asked is checked before it is used; only a POST
 * changes anything.
 * Refuses what it does not know with 404 and a sentence, never with a stack trace.
 */
import { chmod, mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { type FastifyInstance, fastify } from "fastify";
import { z } from "zod";
import { isQueueId } from "../spool/queue-id.ts";
import { VERBS, type Verb, type VerbResult } from "../spool/verb.ts";
import type { HealthView } from "./health-text.ts";
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

export interface ControlOptions {
  readonly path: string;
  readonly source: QueueSource;
  /** Does a verb to one message; `reason`: the operator's words. */
  readonly apply: (verb: Verb, id: string, reason?: string) => Promise<VerbResult>;
  readonly health: () => HealthView;
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

/** Listens at `path`, in place of a socket that a killed agent left there: the state folder is locked by now. */
export async function startControl(options: ControlOptions): Promise<{ close(): Promise<void> }> {
  const { path, source, health } = options;
  const server: FastifyInstance = fastify({ logger: false, forceCloseConnections: true });
  server.get("/api/v1/queue", async (request) => {
    const filter = filterSchema.parse(request.query);
    return listQueue(source, withoutUndefined(filter));
  });
  server.get("/api/v1/queue/stats", () => queueStats(source));
  server.get<{ Params: { id: string } }>("/api/v1/queue/:id", async ({ params }, answer) => {
    const found = isQueueId(params.id) ? await showMessage(source, params.id) : undefined;
    return found ?? answer.code(404).send({ error: `no message ${params.id} in the queue` });
  });
  server.get("/api/v1/health", () => health());
  serveVerbs(server, options);
  server.setErrorHandler((error: Error & { statusCode?: number }, _request, answer) => {
    const code = error instanceof z.ZodError ? 400 : (error.statusCode ?? 500);
    void answer.code(code).send({ error: error.message });
  });
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await server.listen({ path });
  await chmod(path, 0o660);
  return { close: () => server.close() };
}

function serveVerbs(server: FastifyInstance, { apply }: ControlOptions): void {
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
