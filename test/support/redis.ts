/** A real redis-server for a file of tests: the one the product embeds. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { afterAll, beforeAll } from "vitest";
import { EmbeddedRedis } from "../../src/queue/embedded-redis.ts";
import { connectRedis } from "../../src/queue/redis.ts";
import { makeFolder } from "./make-folder.ts";

/** Starts a server before the file's tests and ends it after them; gives a connected client. */
export function redisForTests(): { client(): Redis } {
  let folder = "";
  let server: EmbeddedRedis;
  let client: Redis;
  beforeAll(async () => {
    folder = await makeFolder();
    const socket = join(folder, "redis.sock");
    server = await EmbeddedRedis.start({ folder, socket, maxMemoryBytes: 64 << 20, report: () => {} });
    client = await connectedTo(socket);
  });
  afterAll(async () => {
    client.disconnect();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return { client: () => client };
}

/** A connected client of the server that listens on `socket`; the caller disconnects it. */
export async function connectedTo(socket: string): Promise<Redis> {
  const client = connectRedis({ kind: "socket", path: socket }, () => {});
  await client.connect();
  return client;
}
