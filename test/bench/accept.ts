/**
 * How fast mail is taken: connect to 250 with a session for each message, as old programs do, and in kept sessions.
 *
 * The upstream refuses connections meanwhile, so that the accepting half is alone; the last row shows both halves.
 */
import { withRelay } from "./bench-relay.ts";
import { type Load, submitAll } from "./load.ts";
import { cpuMs } from "./process-cost.ts";
import { quantile, type Report } from "./report.ts";

const SECTION = "accepting, 4 KB a message, every one synced";
const SIZE_BYTES = 4096;
const RUNS = 5;
const RUNS_OF_BOTH = 3;
const WARM_UP = { clients: 10, messages: 1000, sizeBytes: SIZE_BYTES };

type Case = Omit<Load, "port" | "sizeBytes"> & { readonly name: string };

const CASES: readonly Case[] = [
  { name: "1 client, a session a message", clients: 1, messages: 300 },
  { name: "10 clients, a session a message", clients: 10, messages: 1000 },
  { name: "50 clients, a session a message", clients: 50, messages: 2000 },
  { name: "10 clients, 20 messages a session", clients: 10, messages: 2000, perSession: 20 },
];

export async function measureAccept(report: Report): Promise<void> {
  await withRelay({ fail: ["connect=drop"] }, async ({ port, processId }) => {
    await submitAll({ port, ...WARM_UP });
    for (let run = 0; run < RUNS; run++) {
      for (const load of CASES) await measure(report, { port, processId, load });
    }
  });
  await withRelay({}, async ({ port, processId }) => {
    await submitAll({ port, ...WARM_UP });
    const load = { name: "10 clients, a session a message, delivering too", clients: 10, messages: 1000 };
    for (let run = 0; run < RUNS_OF_BOTH; run++) await measure(report, { port, processId, load });
  });
}

async function measure(
  report: Report,
  { port, processId, load }: { port: number; processId: number; load: Case },
): Promise<void> {
  const cpuBeforeMs = await cpuMs(processId);
  const { latenciesMs, perSecond } = await submitAll({ port, sizeBytes: SIZE_BYTES, ...load });
  const cpuEachMs = ((await cpuMs(processId)) - cpuBeforeMs) / load.messages;
  report.add(SECTION, `${load.name}: rate`, { value: perSecond, unit: "/s" });
  report.add(SECTION, `${load.name}: p50`, { value: quantile(latenciesMs, 0.5), unit: "ms" });
  report.add(SECTION, `${load.name}: p99`, { value: quantile(latenciesMs, 0.99), unit: "ms" });
  report.add(SECTION, `${load.name}: CPU of the agent a message`, { value: cpuEachMs, unit: "ms" });
}
