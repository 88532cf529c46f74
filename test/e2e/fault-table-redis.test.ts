/**
 * The fault table, Redis: hung, read-only, without replicas, restarted empty, cut off. In every row mail is taken with
 * 250 meanwhile, and after healing everything is delivered once, what was in a session at that moment included.
 * Killed, full, flushed and away at start are in custody.test.ts and faults.test.ts.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { EmbeddedRedis } from "../../src/queue/embedded-redis.ts";
import { testFolder } from "../support/folder.ts";
import { startProxy } from "../support/proxy.ts";
import { connectedTo } from "../support/redis.ts";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

/** Longer than any command of ours is waited for (src/queue/redis.ts). */
const TIMED_OUT_MS = 15_000;

async function externalRedis() {
  const folder = await testFolder();
  const socket = join(folder, "external.sock");
  const server = await EmbeddedRedis.start({ folder, socket, maxMemoryBytes: 64 << 20, report: () => {} });
  onTestFinished(() => server.stop());
  return { socket };
}

async function accepted(relay: Relay, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) {
    const startedMs = performance.now();
    const { code } = await submit(relay.port, { data: `Subject: m${n}\r\n\r\nbody\r\n` });
    expect(code).toBe(250);
    expect(performance.now() - startedMs).toBeLessThan(5000); // nobody waits for a command to time out
  }
}

async function arrivedOnce(relay: Relay, count: number): Promise<void> {
  await until(`${count} messages arrived`, () => relay.arrived.length >= count, 60_000);
  await until("the spool is empty", async () => (await readdir(join(relay.stateDir, "spool"))).length === 0);
  expect(relay.arrived.map(({ subject }) => subject).sort()).toEqual(
    Array.from({ length: count }, (_, n) => `m${n}`).sort(),
  );
  expect(relay.events("delivered")).toHaveLength(count);
}

const troubles = (relay: Relay, words: RegExp) =>
  relay.events("trouble").filter(({ reason }) => words.test(String(reason)));

/** Two messages are in sessions when it begins; their outcome cannot be told to Redis. */
async function duringSessions(relay: Relay, begin: () => unknown): Promise<void> {
  await until("the queue is ready", () => relay.events("recovered").length > 0);
  relay.setFaults("dot=delay 500ms");
  await accepted(relay, 0, 2);
  await until("the upstream has them", () => relay.arrived.length === 2);
  await begin();
  relay.setFaults();
}

/** From the moment that nothing answers until well after the connection was given up. */
async function silence(relay: Relay, { begin, end }: { begin: () => unknown; end: () => unknown }) {
  await duringSessions(relay, begin);
  await accepted(relay, 2, 6);
  await until("it is given up", () => troubles(relay, /tim(ed )?out/i).length > 0, TIMED_OUT_MS);
  await accepted(relay, 6, 8);
  expect(relay.arrived).toHaveLength(2);
  await end();
  await arrivedOnce(relay, 8);
}

test("a Redis that hangs, or that a network swallows, for longer than a command may take delays mail and repeats none", async () => {
  const { socket } = await externalRedis();
  const proxy = await startProxy({ path: socket });
  const [hung, cutOff] = await Promise.all([
    Relay.start(),
    Relay.start({ redis: `redis: "redis://127.0.0.1:${proxy.port}"` }),
  ]);
  const signal = async (name: NodeJS.Signals) => process.kill((await hung.redisProcess()) as number, name);
  await Promise.all([
    silence(hung, { begin: () => signal("SIGSTOP"), end: () => signal("SIGCONT") }),
    silence(cutOff, { begin: () => proxy.cut(), end: () => proxy.mend() }),
  ]);
});

const REFUSING: [string, RegExp, (redis: Redis) => Promise<unknown>, (redis: Redis) => Promise<unknown>][] = [
  [
    "was made a replica of a server that is gone, and refuses to write",
    /READONLY/,
    (redis) => redis.replicaof("127.0.0.1", 1),
    (redis) => redis.replicaof("NO", "ONE"),
  ],
  [
    "misses the replicas that it is to have, and refuses to write",
    /NOREPLICAS/,
    (redis) => redis.config("SET", "min-replicas-to-write", "1"),
    (redis) => redis.config("SET", "min-replicas-to-write", "0"),
  ],
];

test.each(REFUSING)("a Redis that %s delays mail and repeats none", async (_name, words, refuse, mend) => {
  const { socket } = await externalRedis();
  const client = await connectedTo(socket);
  onTestFinished(() => client.disconnect());
  const relay = await Relay.start({ redis: `redis: "unix://${socket}"` });
  await duringSessions(relay, () => refuse(client));
  await accepted(relay, 2, 6);
  await until("it is told", () => troubles(relay, words).length > 0);
  expect(relay.arrived).toHaveLength(2);
  await mend(client);
  await arrivedOnce(relay, 6);
});

test("a Redis that is restarted empty while mail is in sessions repeats none", async () => {
  const relay = await Relay.start();
  await duringSessions(relay, async () => {
    const redis = (await relay.redisProcess()) as number;
    await rm(join(relay.stateDir, "redis/appendonlydir"), { recursive: true });
    process.kill(redis, "SIGKILL");
  });
  await accepted(relay, 2, 6);
  await arrivedOnce(relay, 6);
  expect(relay.events("redis").filter(({ what }) => what === "started")).toHaveLength(2);
});
