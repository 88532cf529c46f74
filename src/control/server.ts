/**
 * The control socket: how the commands reach a running agent. HTTP on a unix socket, JSON both ways (api.ts).
 *
 * Promises: only who may open the socket (0660) is served; only here a link to the status page can be had.
 */
import { chmod, mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { fastify } from "fastify";
import { type ApiParts, serveApi } from "./api.ts";

export interface ControlParts extends ApiParts {
  /** A link to the status page, good for one login; or why there is none. */
  readonly statusUrl: () => { readonly url: string } | { readonly error: string };
}

/** Listens at `path`, in place of a socket that a killed agent left there: the state folder is locked by now. */
export async function startControl(path: string, parts: ControlParts): Promise<{ close(): Promise<void> }> {
  const server = fastify({ logger: false, forceCloseConnections: true });
  serveApi(server, parts);
  server.post("/api/v1/login-token", (_request, answer) => {
    const link = parts.statusUrl();
    return answer.code("url" in link ? 200 : 409).send(link);
  });
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await server.listen({ path });
  await chmod(path, 0o660);
  return { close: () => server.close() };
}
