/**
 * What sluice answers over HTTP, `/api/v1/*`: the same for the commands, over the control socket, and for the status page.
 *
 * Promises: what is asked is checked before it is used; only a POST changes anything; the shapes are stable.
 * Refuses what it does not know with 404 and a sentence, never with a stack trace. Who may ask is the servers' to say.
 */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { type QueueApiParts, serveQueue } from "./queue-api.ts";
import { type RepolicyApiParts, serveRepolicy } from "./repolicy-api.ts";
import { type StatusApiParts, serveStatus } from "./status-api.ts";
import { serveTrace, type TraceApiParts } from "./trace-api.ts";

export interface ApiParts extends QueueApiParts, RepolicyApiParts, StatusApiParts, TraceApiParts {}

/** Adds the routes. */
export function serveApi(server: FastifyInstance, parts: ApiParts): void {
  serveStatus(server, parts);
  serveQueue(server, parts);
  serveRepolicy(server, parts);
  serveTrace(server, parts);
  tellErrors(server);
}

/** Each error is a sentence with a code that fits. */
export function tellErrors(server: FastifyInstance): void {
  server.setErrorHandler((error: Error & { statusCode?: number }, _request, answer) => {
    if (error instanceof z.ZodError) return void answer.code(400).send({ error: whatDoesNotFit(error) });
    void answer.code(error.statusCode ?? 500).send({ error: error.message });
  });
}

function whatDoesNotFit({ issues }: z.ZodError): string {
  const said = issues.map(({ path, message }) =>
    path.length > 0 ? `${path.join(".")}: ${message}` : message,
  );
  return said.join("; ");
}
