/**
 * Today's policy run on the queue again, over HTTP: a page a call, so that nobody waits long for an answer.
 *
 * Promises: see api.ts. With `dryRun` nothing is changed. Whoever asks goes on with `after` = `next` until that is null.
 */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { isQueueId } from "../spool/queue-id.ts";
import type { RepolicyAsked, RepolicyPage } from "../spool/route.ts";

export interface RepolicyApiParts {
  readonly repolicy: (asked: RepolicyAsked) => Promise<RepolicyPage>;
}

const askedSchema = z.strictObject({
  dryRun: z.boolean(),
  after: z.string().refine(isQueueId, "not a queue id").optional(),
});

/** Adds the route. */
export function serveRepolicy(server: FastifyInstance, { repolicy }: RepolicyApiParts): void {
  server.post("/api/v1/queue/repolicy", ({ body }) => {
    const { dryRun, after } = askedSchema.parse(body ?? {});
    return repolicy({ mode: dryRun ? "look" : "apply", after });
  });
}
