/** What a process costs, from /proc (Linux): processor time, memory now, the most memory it ever had. */
import { readFile } from "node:fs/promises";

const MS_PER_TICK = 10; // proc(5): clock ticks are 1/100 s on every Linux that Node runs on

/** User and system time so far, milliseconds. */
export async function cpuMs(processId: number): Promise<number> {
  const stat = await readFile(`/proc/${processId}/stat`, "utf8");
  // The name before the last ")" may hold anything; utime and stime are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

/** Its share of memory: what it has alone, and its part of what it shares. Megabytes. */
export function pssMb(processId: number): Promise<number> {
  return field(`/proc/${processId}/smaps_rollup`, "Pss");
}

/** The most resident memory it ever had. Megabytes. */
export function peakRssMb(processId: number): Promise<number> {
  return field(`/proc/${processId}/status`, "VmHWM");
}

async function field(file: string, name: string): Promise<number> {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(await readFile(file, "utf8"));
  return (Number(found?.[1]) * 1024) / 1e6;
}
