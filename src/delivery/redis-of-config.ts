/**
 * The Redis that the config means: where it is, whether it is as mail needs it, and who shares it.
 */
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { socketPath } from "../config/sockets.ts";
import type { Events } from "../observe/events.ts";
import { EmbeddedRedis } from "../queue/embedded-redis.ts";
import { Ownership } from "../queue/ownership.ts";
import { type Redis, type RedisAddress, redisFacts, redisWarnings } from "../queue/redis.ts";
import { newInstance } from "../spool/instance.ts";
import { lockPlace } from "../spool/state-lock.ts";

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

/** The lease on our queues, if Redis is shared; the embedded one is nobody else's. */
export function ownershipIn(
  redis: Redis,
  parts: { readonly config: Config; readonly instance: string; readonly events: Pick<Events, "report"> },
): Ownership | undefined {
  const { config, instance, events } = parts;
  if (config.redis.kind === "embedded") return undefined;
  return new Ownership({
    redis,
    instance,
    place: lockPlace(config.stateDir),
    newInstance: () => newInstance(config.stateDir),
    onWaiting: (reason) => events.report("redis", { what: "waiting", reason }, "warn"),
    onMoved: (reason) => events.report("trouble", { part: "instance", reason }, "error"),
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
