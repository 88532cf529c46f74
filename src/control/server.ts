/**
 * The control socket: how the commands reach a running agent. HTTP on a unix socket, JSON both ways (api.ts).
 *
 * Promises: only who may open the socket (0660) is served.
 */
import { chmod, mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { fastify } from "fastify";
import { type ApiParts, serveApi } from "./api.ts";

/** Listens at `path`, in place of a socket that a killed agent left there: the state folder is locked by now. */
export async function startControl(path: string, parts: ApiParts): Promise<{ close(): Promise<void> }> {
  const server = fastify({ logger: false, forceCloseConnections: true });
  serveApi(server, parts);
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await server.listen({ path });
  await chmod(path, 0o660);
  return { close: () => server.close() };
}
