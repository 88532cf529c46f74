/**
 * The Redis that the config means: where it is, and whether it is as mail needs it.
 */
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { socketPath } from "../config/sockets.ts";
import type { Events } from "../observe/events.ts";
import { EmbeddedRedis } from "../queue/embedded-redis.ts";
import { type Redis, type RedisAddress, redisFacts, redisWarnings } from "../queue/redis.ts";

const MEMORY_BYTES = 512 * 1024 * 1024;

/** Where the embedded one listens. */
function redisSocket(config: Config): string {
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

/** Starts the embedded one, if that is meant. */
export async function startOurRedis(
  config: Config,
  events: Pick<Events, "report">,
): Promise<EmbeddedRedis | undefined> {
  if (config.redis.kind !== "embedded") return undefined;
  return EmbeddedRedis.start({
    folder: join(config.stateDir, "redis"),
    socket: redisSocket(config),
    maxMemoryBytes: MEMORY_BYTES,
    report: (what, detail) => events.report("redis", { what, detail }, what === "started" ? "info" : "error"),
  });
}

/** Tells what we are connected to. An external Redis is somebody else's: what is unwise about it is said. */
export async function tellRedis(redis: Redis, events: Pick<Events, "report">): Promise<void> {
  const facts = await redisFacts(redis).catch(() => undefined);
  if (!facts) return;
  const { version, evictionPolicy, appendOnly } = facts;
  events.report("redis", { what: "connected", version, evictionPolicy, appendOnly });
  for (const warning of redisWarnings(facts)) events.report("redis", { what: "unwise", warning }, "warn");
}
