/**
 * The control socket: how the commands reach a running agent. HTTP on a unix socket, JSON both ways.
 *
 * Promises: only who may open the socket (0660) is served; what is asked is checked before it is used.
 * Refuses what it does not know with 404 and a sentence, never with a stack trace.
 */
import { chmod, mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { type FastifyInstance, fastify } from "fastify";
import { z } from "zod";
import { isQueueId } from "../spool/queue-id.ts";
import {
  listQueue,
  type QueueFilter,
  type QueueSource,
  queueStats,
  SHOWN_STATES,
  showMessage,
} from "./queue-view.ts";

export interface ControlOptions {
  readonly path: string;
  readonly source: QueueSource;
}

const filterSchema = z.object({
  state: z.enum(SHOWN_STATES).optional(),
  sender: z.string().optional(),
  recipient: z.string().optional(),
  account: z.string().optional(),
  olderThanMs: z.coerce.number().nonnegative().optional(),
  limit: z.coerce.number().int().positive().default(1000),
});

/** Listens at `path`, in place of a socket that a killed agent left there: the state folder is locked by now. */
export async function startControl({ path, source }: ControlOptions): Promise<{ close(): Promise<void> }> {
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
  server.setErrorHandler((error, _request, answer) => {
    const code = error instanceof z.ZodError ? 400 : 500;
    void answer.code(code).send({ error: error instanceof Error ? error.message : String(error) });
  });
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await server.listen({ path });
  await chmod(path, 0o660);
  return { close: () => server.close() };
}

function withoutUndefined(filter: z.infer<typeof filterSchema>): QueueFilter {
  return Object.fromEntries(
    Object.entries(filter).filter(([, value]) => value !== undefined),
  ) as unknown as QueueFilter;
}
