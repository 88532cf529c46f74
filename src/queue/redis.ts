/**
 * Our connection to Redis: one client that the queues and the pacer share.
 *
 * Promises: connects at the first command, reconnects for ever; a hung server looks like one that is down, and
 * while it is down commands fail at once: nothing piles up in memory, and nothing is said twice. Whoever asked
 * has recovery look at what became of it. Errors are reported, never thrown into the air.
 */
import { Redis } from "ioredis";

/** The client that queues and pacer share. */
export type { Redis } from "ioredis";

const COMMAND_MS = 10_000;

/** Where Redis is: a unix socket of ours, or somebody's URL. */
export type RedisAddress =
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "url"; readonly url: string; readonly password?: string; readonly ca?: string };

const OPTIONS = {
  lazyConnect: true,
  maxRetriesPerRequest: null, // BullMQ wants it so
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  commandTimeout: COMMAND_MS,
  socketTimeout: COMMAND_MS,
  connectTimeout: COMMAND_MS,
  disconnectTimeout: 100, // it keeps the process alive for as long
  retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 6), 2000),
};

export function connectRedis(address: RedisAddress, onTrouble: (reason: string) => void): Redis {
  const client = new Redis({
    ...OPTIONS,
    ...(address.kind === "socket" ? { path: address.path } : fromUrl(address)),
  });
  client.on("error", (error: Error) => onTrouble(error.message));
  return client;
}

function fromUrl({ url: text, password, ca }: Extract<RedisAddress, { kind: "url" }>) {
  const url = new URL(text);
  const secret = password === undefined ? {} : { password };
  const user = url.username === "" ? {} : { username: decodeURIComponent(url.username) };
  if (url.protocol === "unix:") return { ...secret, ...user, path: url.pathname };
  return {
    ...secret,
    ...user,
    ...(url.protocol === "rediss:" ? { tls: ca === undefined ? {} : { ca } } : {}),
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || "6379"),
    db: Number(url.pathname.slice(1) || "0"),
  };
}

/** What `INFO` says of the server we are connected to. */
export interface RedisFacts {
  readonly version: string;
  readonly appendOnly: boolean;
  readonly evictionPolicy: string;
}

export async function redisFacts(client: Redis): Promise<RedisFacts> {
  const info = await client.info();
  const value = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? "";
  return {
    version: value("valkey_version") || value("redis_version"),
    appendOnly: value("aof_enabled") === "1",
    evictionPolicy: value("maxmemory_policy"),
  };
}

/** What is wrong with a Redis for mail to wait in, and the remedy. */
export interface RedisFault {
  readonly what: "version" | "eviction" | "persistence";
  readonly found: string;
  readonly remedy: string;
}

/** What a Redis should be that mail waits in. Custody depends on none of it: the disk has the mail. */
export function redisFaults({ version, evictionPolicy, appendOnly }: RedisFacts): RedisFault[] {
  const faults: RedisFault[] = [];
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 6 || (major === 6 && minor < 2))
    faults.push({ what: "version", found: `Redis ${version} is older than 6.2`, remedy: "update it" });
  if (evictionPolicy !== "noeviction") {
    const remedy = "set noeviction, or Redis throws queued mail and the hour's budget away";
    faults.push({ what: "eviction", found: `maxmemory-policy is ${evictionPolicy}`, remedy });
  }
  if (!appendOnly) {
    const remedy = "set yes, or the hour's budget is forgotten when Redis restarts";
    faults.push({ what: "persistence", found: "appendonly is no", remedy });
  }
  return faults;
}

/** The same, a sentence each. */
export function redisWarnings(facts: RedisFacts): string[] {
  return redisFaults(facts).map(({ found, remedy }) => `${found}: ${remedy}`);
}
