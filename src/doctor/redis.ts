/**
 * Lines about Redis: is it there, which version, does it keep what it is told, does it throw anything away.
 *
 * Promises: reads only; what goes wrong with the connection is told with the key to change. The embedded one is asked at
 * its socket while the agent runs; without the agent there is none, and its program is looked for.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { socketPath } from "../config/sockets.ts";
import { connectRedis, type RedisAddress, type RedisFacts, redisFacts, redisFaults } from "../queue/redis.ts";
import { about, type Finding } from "./finding.ts";
import { withinLimit } from "./limit.ts";
import type { Patient } from "./patient.ts";

const LIMIT_MS = 6000;
const PROGRAMS = ["redis-server", "valkey-server"];

export async function redisFindings({ redis, stateDir }: Patient, agentRuns: boolean): Promise<Finding[]> {
  if (redis?.kind === "external") {
    const password = redis.password?.reveal();
    const { url, ca } = redis;
    const address = { kind: "url", url, ...(password && { password }), ...(ca && { ca }) } as const;
    return connected(address, shownUrl(url));
  }
  if (redis === undefined || stateDir === undefined)
    return [about("redis", "redis").unknown("the config does not say where it is", "mend the config first")];
  if (!agentRuns) return [await program()];
  const path = socketPath(join(stateDir, "redis"), "redis.sock");
  const findings = await connected({ kind: "socket", path }, path);
  const here = findings.some(({ status }) => status === "failed") ? await program() : undefined;
  return here?.status === "failed" ? [here] : findings;
}

async function connected(address: RedisAddress, subject: string): Promise<Finding[]> {
  const line = about("redis", subject);
  const facts = await factsOf(address);
  if (typeof facts === "string") {
    if (address.kind === "socket" && facts.includes("EACCES"))
      return [line.unknown("this user may not connect", "run this as root or as the user of the agent")];
    return [line.failed(`it cannot be reached: ${facts}`, remedyFor(address, facts))];
  }
  const faults = redisFaults(facts);
  const kept = facts.appendOnly ? "append-only file" : "nothing kept";
  const found = `version ${facts.version}, ${kept}, ${facts.evictionPolicy}`;
  if (faults.length === 0) return [line.ok(found)];
  return faults.map(({ what, found, remedy }) =>
    what === "persistence" ? line.warn(found, remedy) : line.failed(found, remedy),
  );
}

/** What the server says of itself, or why it does not. */
async function factsOf(address: RedisAddress): Promise<RedisFacts | string> {
  let trouble = "";
  const client = connectRedis(address, (reason) => {
    trouble ||= reason;
  });
  try {
    const asked = client.connect().then(() => redisFacts(client));
    return await withinLimit(asked, LIMIT_MS, () => trouble || `no answer within ${LIMIT_MS / 1000} s`);
  } catch (error) {
    return trouble || (error as Error).message;
  } finally {
    client.disconnect();
  }
}

function remedyFor({ kind }: RedisAddress, reason: string): string {
  if (kind === "socket")
    return "look for the event redis in the agent's log; the agent starts it again by itself";
  if (/NOAUTH|WRONGPASS|NOPERM|invalid.*password/i.test(reason))
    return "write its password into a file and name that in redis.passwordFile";
  if (/certificate|self.signed|altname/i.test(reason))
    return "name the authority of its certificate in redis.caFile";
  return "start it, or write the right place in redis; mail is accepted meanwhile and waits on disk";
}

async function program(): Promise<Finding> {
  const line = about("redis", "embedded");
  for (const name of PROGRAMS) {
    const said = await promisify(execFile)(name, ["--version"], { timeout: LIMIT_MS }).catch(() => undefined);
    const version = said && (/v=(\S+)/.exec(said.stdout)?.[1] ?? "");
    if (version !== undefined)
      return line.unknown(
        `it starts with the agent, which does not run; ${name} ${version} is here`,
        "start the agent",
      );
  }
  const found = "no redis-server or valkey-server on PATH: no mail can be delivered";
  return line.failed(found, "run: apt install redis-server, and systemctl disable --now redis-server");
}

function shownUrl(text: string): string {
  const url = new URL(text);
  url.password = "";
  return url.href;
}
