/**
 * Pacing with real agents: what leaves them, by the simulator's journal of arrivals.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { readJournal } from "../../src/journal/read.ts";
import { Pacer } from "../../src/pacing/pacer.ts";
import { EmbeddedRedis } from "../../src/queue/embedded-redis.ts";
import { bucketsOf, CHARGE_VALID_MS, costUs } from "../../src/schedule/pace.ts";
import { cpuMs } from "../bench/process-cost.ts";
import { testFolder } from "../support/folder.ts";
import { connectedTo } from "../support/redis.ts";
import { Relay } from "../support/relay.ts";
import { soaked } from "../support/runs.ts";
import { SmtpClient, submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

/** A Redis that agents share, and the line of their configs. */
async function sharedRedis(): Promise<{ line: string; client: Redis; server: EmbeddedRedis }> {
  const folder = await testFolder();
  const socket = join(folder, "shared.sock");
  const server = await EmbeddedRedis.start({ folder, socket, maxMemoryBytes: 64 << 20, report: () => {} });
  const client = await until("it answers", () => connectedTo(socket).catch(() => undefined));
  onTestFinished(async () => {
    client.disconnect();
    await server.stop();
  });
  return { line: `redis: "unix://${socket}"`, client, server };
}

/** Submits so many messages, a hundred to a session. */
async function submitBacklog(relay: Relay, count: number, name = "m"): Promise<void> {
  for (let first = 0; first < count; first += 100) {
    const client = await SmtpClient.connect(relay.port);
    await client.say("EHLO test");
    for (let n = first; n < Math.min(count, first + 100); n++)
      expect((await client.send({ data: `Subject: ${name}${n}\r\n\r\nb\r\n` })).code).toBe(250);
    client.quit();
  }
}

/** When each message arrived, rising, milliseconds. */
const timesOf = (...relays: Relay[]) =>
  relays.flatMap(({ arrived }) => arrived.map(({ at }) => Date.parse(at))).sort((a, b) => a - b);

/** When each attempt was charged, as the journals tell, rising, milliseconds. */
async function chargeTimes(...relays: Relay[]): Promise<number[]> {
  const times: number[] = [];
  for (const relay of relays)
    for await (const line of readJournal(join(relay.stateDir, "journal"), { fromMs: 0 }))
      if ("charge" in line && line.charge) times.push(Date.parse(line.charge.at));
  return times.sort((a, b) => a - b);
}

/** The most beyond what a window of any length allows, when `lateMs` before it may count in it. */
function mostBeyond(
  times: readonly number[],
  { intervalMs, burst, lateMs = 0 }: { intervalMs: number; burst: number; lateMs?: number },
): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let from = 0; from < times.length; from++)
    for (let to = from; to < times.length; to++) {
      const windowMs = (times[to] as number) - (times[from] as number);
      most = Math.max(most, to - from + 1 - (burst + (windowMs + lateMs) / intervalMs + 1));
    }
  return most;
}

const KILLING_MS = soaked(25_000);

test("two hosts that share a budget, killed and started at random, never exceed it together and use 95 % of it", async () => {
  const { line } = await sharedRedis();
  const perHour = 40_000;
  const burst = 4;
  const intervalMs = costUs({ measure: "messages", cap: perHour, burst }, { recipients: 1, bytes: 1 }) / 1000;
  const options = { redis: line, pace: `{ perHour: ${perHour}, burst: ${burst} }` };
  const relays = [await Relay.start(options), await Relay.start(options)] as const;
  const enough = Math.ceil(KILLING_MS / intervalMs) + 200;
  await Promise.all(relays.map((relay) => submitBacklog(relay, enough)));
  const startMs = Date.now();
  const arrivedBefore = timesOf(...relays).length;
  let [up, bothDownMs, downSinceMs, kills] = [2, 0, 0, 0];
  const strike = async (relay: Relay) => {
    while (Date.now() - startMs < KILLING_MS) {
      await sleep(500 + Math.random() * 4000);
      await relay.kill("agent");
      kills++;
      if (--up === 0) downSinceMs = Date.now();
      await sleep(Math.random() * 500);
      await relay.up();
      if (++up === 1) bothDownMs += Date.now() - downSinceMs;
    }
  };
  await Promise.all(relays.map(strike));
  const endMs = Date.now();
  const times = timesOf(...relays);
  for (const { log } of relays) {
    const started = log.findLastIndex(({ event }) => event === "started");
    await until("it works", () => log.findLastIndex(({ event }) => event === "recovered") > started);
  }
  const allowed = (endMs - startMs - bothDownMs) / intervalMs;
  const used = (times.length - arrivedBefore) / allowed;
  console.log(
    `${kills} kills, ${times.length} arrived of ${relays.map(({ arrived }) => arrived.length).join(" + ")}, ${Math.round(used * 100)} % used, both down ${bothDownMs} ms, ${mostBeyond(times, { intervalMs, burst }).toFixed(2)} beyond`,
  );
  const charged = await chargeTimes(...relays);
  expect(charged.length).toBeGreaterThan(0.9 * times.length);
  expect(mostBeyond(charged, { intervalMs, burst })).toBeLessThanOrEqual(0);
  // A MAIL follows its charge within five seconds; on a machine that starts agents all the time it is not at once.
  expect(mostBeyond(times, { intervalMs, burst, lateMs: CHARGE_VALID_MS })).toBeLessThanOrEqual(0);
  expect(used).toBeGreaterThanOrEqual(0.95);
});

test("the check of windows sees one message too many", () => {
  const allowed = { intervalMs: 100, burst: 2 };
  expect(mostBeyond([0, 0, 0, 100, 200], allowed)).toBeLessThanOrEqual(0);
  expect(mostBeyond([0, 0, 0, 100, 100, 200], allowed)).toBeGreaterThan(0);
});

test("while the shared Redis is away intake goes on, delivery waits, and afterwards the budget holds", async () => {
  const { line, server } = await sharedRedis();
  const options = { redis: line, pace: "{ perHour: 7200, burst: 2 }" };
  const relay = await Relay.start(options);
  await until("its budget is known", () => relay.events("recovered").length > 0);
  await submitBacklog(relay, 5);
  await until("some went", () => relay.arrived.length >= 2);
  await server.stop();
  const before = relay.arrived.length;
  await submitBacklog(relay, 5, "away");
  expect(relay.arrived.length).toBeLessThanOrEqual(before + 4); // those under way
});

/** How many wait before the urgent one, and how many for the budget: 50,000 and 100,000 in a soak. */
const BULK = Math.min(50_000, soaked(2000));
const PACED = Math.min(100_000, soaked(5000));

test(`one urgent message behind ${BULK} bulk ones leaves within two emission intervals`, async () => {
  const relay = await Relay.start({
    pace: "{ perHour: 3600, burst: 1 }",
    config: "urgent: { headers: { X-Priority: '1' } }",
  });
  await submitBacklog(relay, BULK);
  await until("bulk mail is paced", () => relay.events("paced").length > 0);
  const waits: number[] = [];
  for (let n = 0; n < 5; n++) {
    const { id } = await submit(relay.port, { data: "X-Priority: 1\r\nSubject: urgent\r\n\r\nx\r\n" });
    const acceptedMs = Date.now();
    const gone = await until("it goes", () => relay.events("delivered").find((one) => one.id === id));
    waits.push(Date.parse(String(gone.time)) - acceptedMs);
  }
  console.log(`urgent mail waited ${waits.join(", ")} ms`);
  expect(Math.max(...waits)).toBeLessThan(2 * 1002 + 200);
});

test("a queue that waits for its budget asks Redis for next to nothing", async () => {
  const { line, client } = await sharedRedis();
  const relay = await Relay.start({ redis: line, pace: "{ perHour: 60, burst: 1 }" });
  await submitBacklog(relay, PACED);
  await until(
    "all are queued",
    async () => {
      const keys = await client.keys("*.portal.bulk:wait");
      return keys.length === 1 && (await client.llen(keys[0] as string)) >= PACED - 1;
    },
    soaked(60_000),
  );
  await sleep(2000); // what follows a start and a load
  const commands = async () => Number(/total_commands_processed:(\d+)/.exec(await client.info("stats"))?.[1]);
  const [cpuBefore, before] = [await cpuMs(relay.processId), await commands()];
  await sleep(3000);
  const perSecond = ((await commands()) - before) / 3;
  const cpu = ((await cpuMs(relay.processId)) - cpuBefore) / 30;
  console.log(
    `a paced queue of ${PACED}: ${cpu.toFixed(1)} % of a CPU, ${perSecond.toFixed(1)} commands of Redis a second`,
  );
  expect(perSecond).toBeLessThan(20);
});

interface Cost {
  readonly commands: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What Redis has done so far, and what it has read and written. */
async function costSoFar(client: Redis): Promise<Cost> {
  const info = await client.info("stats");
  const number = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1]);
  return {
    commands: number("total_commands_processed"),
    bytesIn: number("total_net_input_bytes"),
    bytesOut: number("total_net_output_bytes"),
  };
}

/** What each of `count` took of Redis, and of a second; prints it. */
async function costOf(
  client: Redis,
  { what, count }: { what: string; count: number },
  work: () => Promise<void>,
) {
  const [before, startMs] = [await costSoFar(client), Date.now()];
  await work();
  const [after, ms] = [await costSoFar(client), Date.now() - startMs];
  const each = (name: keyof Cost) => (after[name] - before[name]) / count;
  console.log(
    `${what}: ${each("commands").toFixed(1)} commands, ${each("bytesIn").toFixed(0)} bytes in, ${each("bytesOut").toFixed(0)} out; ${((count * 1000) / ms).toFixed(0)} a second`,
  );
}

test("what a message costs Redis, and a charge alone, is printed", async () => {
  const { line, client } = await sharedRedis();
  const relay = await Relay.start({ redis: line, pace: "{ perHour: 72000, burst: 700 }" });
  await until("it works", () => relay.events("recovered").length > 0);
  await costOf(client, { what: "a message of a backlog", count: 300 }, async () => {
    await submitBacklog(relay, 300);
    await until("all went", () => relay.arrived.length >= 300, 60_000);
  });
  const pace = {
    kind: "paced",
    perHour: 100_000_000,
    burst: 1_000_000,
    recipientsPerHour: 1e9,
    bytesPerHour: 1e13,
  } as const;
  const pacer = new Pacer({
    redis: client,
    username: "measured",
    buckets: bucketsOf({ ...pace, urgentShare: 0.2 }, 1e6),
    instance: "i",
    shared: false,
    chargesOfLastHour: async () => [],
    now: Date.now,
  });
  await pacer.ask("bulk");
  await costOf(client, { what: "a charge of four measures", count: 20_000 }, async () => {
    for (let n = 0; n < 20_000; n += 100)
      await Promise.all(
        Array.from({ length: 100 }, () => pacer.charge("bulk", { recipients: 1, bytes: 1000 })),
      );
  });
});
