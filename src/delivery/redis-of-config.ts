/**
 * The Redis that the config means: where it is, and whether it is as mail needs it.
 */
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { socketPath } from "../config/sockets.ts";
import type { Events } from "../observe/events.ts";
import { type Redis, type RedisAddress, redisFacts, redisWarnings } from "../queue/redis.ts";

/** Where the embedded one listens. */
export function redisSocket(config: Config): string {
  return socketPath(join(config.stateDir, "redis"), "redis.sock");
}

export function redisAddress(config: Config): RedisAddress {
  if (config.redis.kind === "embedded") return { kind: "socket", path: redisSocket(config) };
  const { url, password, ca } = config.redis;
  return {
    kind: "url",
    url,
    ...(password === undefined ? {} : { password: password.reveal() }),
    ...(ca === undefined ? {} : { ca }),
  };
}

/** Tells what we are connected to. An external Redis is somebody else's: what is unwise about it is said. */
export async function tellRedis(redis: Redis, events: Pick<Events, "report">): Promise<void> {
  const facts = await redisFacts(redis).catch(() => undefined);
  if (!facts) return;
  const { version, evictionPolicy, appendOnly } = facts;
  events.report("redis", { what: "connected", version, evictionPolicy, appendOnly });
  for (const warning of redisWarnings(facts)) events.report("redis", { what: "unwise", warning }, "warn");
}
