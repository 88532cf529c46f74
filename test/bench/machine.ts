/**
 * Where the figures come from: processor, system, versions, and what the disk needs to keep a promise.
 *
 * The disk is the one under the folder for temporary files, where the bench has its spool.
 */
import { execFileSync } from "node:child_process";
import { open, rename, rm } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { makeFolder } from "../support/make-folder.ts";
import type { Report } from "./report.ts";

const WRITES = 200;
const RUNS = 5;
const FOUR_KB = Buffer.alloc(4096, "x");

/** One line of Markdown for each fact. */
export function describeMachine(): string {
  return [
    `- machine: ${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${(totalmem() / 1e9).toFixed(0)} GB`,
    `- system: Linux ${release()}, Node ${process.version}, ${redisVersion()}`,
    `- load average when it began: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(", ")}`,
  ].join("\n");
}

function redisVersion(): string {
  for (const program of ["redis-server", "valkey-server"]) {
    try {
      const said = execFileSync(program, ["--version"], { encoding: "utf8" });
      return `${program} ${/v=(\S+)/.exec(said)?.[1]}`;
    } catch {
      // the other one
    }
  }
  return "no Redis";
}

/** The floor under every 250: what the disk takes for the least that custody needs. */
export async function measureDisk(report: Report): Promise<void> {
  const section = "the disk alone";
  const folder = await makeFolder();
  try {
    for (let run = 0; run < RUNS; run++) {
      report.add(section, "write 4 KB, fdatasync", { value: await syncMs(folder), unit: "ms" });
      report.add(section, "new file of 4 KB, fdatasync, rename, fsync of the folder", {
        value: await durableFileMs(folder),
        unit: "ms",
      });
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function syncMs(folder: string): Promise<number> {
  const file = await open(join(folder, "log"), "a");
  const since = performance.now();
  for (let n = 0; n < WRITES; n++) {
    await file.write(FOUR_KB);
    await file.datasync();
  }
  const ms = (performance.now() - since) / WRITES;
  await file.close();
  return ms;
}

async function durableFileMs(folder: string): Promise<number> {
  const parent = await open(folder, "r");
  const since = performance.now();
  for (let n = 0; n < WRITES; n++) {
    const file = await open(join(folder, `${n}.part`), "w");
    await file.write(FOUR_KB);
    await file.datasync();
    await file.close();
    await rename(join(folder, `${n}.part`), join(folder, `${n}`));
    await parent.sync();
  }
  const ms = (performance.now() - since) / WRITES;
  await parent.close();
  return ms;
}
