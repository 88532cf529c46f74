/** What it costs when there is nothing to do: start, memory and processor, with an empty queue and a full one. */
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { Spool } from "../../src/spool/spool.ts";
import { entryFor } from "../support/messages.ts";
import type { LogLine, RelayProcess } from "../support/relay-process.ts";
import { until } from "../support/until.ts";
import { withRelay } from "./bench-relay.ts";
import { cpuMs, pssMb } from "./process-cost.ts";
import type { Report } from "./report.ts";

const SECTION = "start and rest";
const STARTS = 5;
const SETTLE_MS = 5000;
const IDLE_MS = 10_000;
const QUEUED = 20_000;
const WRITERS = 64;
const WIRE = Buffer.from(
  `From: app@lab.example\r\nSubject: queued\r\n\r\n${`${"x".repeat(76)}\r\n`.repeat(52)}`,
);

export async function measureRest(report: Report): Promise<void> {
  await withRelay({}, (relay) => measure(report, relay, "empty"));
  await withRelay({ fail: ["connect=drop"], fill: fillSpool }, (relay) =>
    measure(report, relay, `${QUEUED} messages`),
  );
}

async function measure(report: Report, relay: RelayProcess, name: string): Promise<void> {
  const add = (what: string, value: number, unit: "ms" | "MB" | "%") =>
    report.add(SECTION, `${name}: ${what}`, { value, unit });
  const first = await until("the queue is as the spool says", () => recovered(relay.log), 120_000);
  if (Number(first.requeued) > 0) add("files to queue, the first time", millisecondsOf(relay.log), "ms");
  for (let start = 0; start < STARTS; start++) {
    await relay.down();
    relay.log.length = 0;
    const since = performance.now();
    await relay.up();
    add("process start to listening", performance.now() - since, "ms");
    await until("the queue is known to be right", () => recovered(relay.log), 120_000);
    add("listening to queue checked", millisecondsOf(relay.log), "ms");
  }
  const redis = (await relay.redisProcess()) ?? 0;
  await sleep(SETTLE_MS); // what the start left to collect and to compile is not rest
  const before = { agent: await cpuMs(relay.processId), redis: await cpuMs(redis) };
  await sleep(IDLE_MS); // the measurement itself: a stretch of rest
  const share = async (id: number, beforeMs: number) => (((await cpuMs(id)) - beforeMs) / IDLE_MS) * 100;
  add("idle CPU of the agent", await share(relay.processId, before.agent), "%");
  add("idle CPU of Redis", await share(redis, before.redis), "%");
  add("PSS of the agent", await pssMb(relay.processId), "MB");
  add("PSS of Redis", await pssMb(redis), "MB");
}

const recovered = (log: readonly LogLine[]) => log.find(({ event }) => event === "recovered");

/** From listening to the end of the first recovery, by the log's own times. */
function millisecondsOf(log: readonly LogLine[]): number {
  const time = (event: string) => Date.parse(String(log.find((line) => line.event === event)?.time));
  return time("recovered") - time("started");
}

/** Files as intake writes them, made without it. */
async function fillSpool(relay: RelayProcess): Promise<void> {
  const clocks = { now: Date.now, random: Math.random };
  const folder = join(relay.stateDir, "spool");
  await using spool = await Spool.open({ folder, maxMessages: QUEUED, freeDiskBytes: 0, ...clocks });
  let left = QUEUED;
  const writer = async () => {
    while (left-- > 0) await spool.accept(entryFor(spool.newId()), [WIRE]);
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}
