/** Messages near the limit: megabytes a second, and what memory they cost on their way in and out. */
import { performance } from "node:perf_hooks";
import { until } from "../support/until.ts";
import { withRelay } from "./bench-relay.ts";
import { submitAll } from "./load.ts";
import { peakRssMb } from "./process-cost.ts";
import type { Report } from "./report.ts";

const SIZE_BYTES = 4_500_000;
const SECTION = "messages of 4.5 MB";
const RUNS = 3;
const MESSAGES = 16;
const LIMIT_MS = 60_000;

export async function measureBig(report: Report): Promise<void> {
  for (let run = 0; run < RUNS; run++) {
    for (const clients of [1, 4]) await measure(report, clients);
  }
}

async function measure(report: Report, clients: number): Promise<void> {
  const name = clients === 1 ? "1 client" : `${clients} clients`;
  const add = (what: string, value: number, unit: "MB/s" | "MB") =>
    report.add(SECTION, `${name}: ${what}`, { value, unit });
  await withRelay({ fail: ["connect=drop"] }, async (relay) => {
    add("peak RSS before", await peakRssMb(relay.processId), "MB");
    const load = { port: relay.port, clients, messages: MESSAGES, sizeBytes: SIZE_BYTES };
    const { perSecond } = await submitAll(load);
    add("accepting", (perSecond * SIZE_BYTES) / 1e6, "MB/s");
    add("peak RSS after accepting", await peakRssMb(relay.processId), "MB");
    relay.setFaults();
    await until("the first one arrived", () => relay.arrived.length > 0, LIMIT_MS);
    const [since, already] = [performance.now(), relay.arrived.length];
    await until("all are delivered", () => relay.events("delivered").length === MESSAGES, LIMIT_MS);
    const seconds = (performance.now() - since) / 1000;
    add("delivering", ((MESSAGES - already) * SIZE_BYTES) / 1e6 / seconds, "MB/s");
    add("peak RSS after delivering", await peakRssMb(relay.processId), "MB");
  });
}
