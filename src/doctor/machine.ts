/**
 * Lines about this machine: its clock, and the disk that mail waits on.
 *
 * Promises: reads only, so that a running agent does not notice; what this user may not look at is told so.
 */
import { access, constants, readdir, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { formatSize } from "../config/units.ts";
import { counted } from "../observe/figures.ts";
import { isQueueId } from "../spool/queue-id.ts";
import { about, type Finding } from "./finding.ts";
import type { Patient } from "./patient.ts";

/** Most of what free room may be before it is worth a word: so many times `limits.freeDisk`. */
const SPARE = 2;

/** `synchronised`: undefined where nothing on this machine tells. */
export function clockFinding(synchronised: boolean | undefined, nowMs: number): Finding {
  const line = about("clock", new Date(nowMs).toISOString());
  if (synchronised) return line.ok("kept by time synchronisation");
  if (synchronised === false) {
    const remedy =
      "run: timedatectl set-ntp true, or see why chrony or systemd-timesyncd does not reach its server";
    return line.warn("the system says that its clock is not synchronised", remedy);
  }
  return line.unknown(
    "whether the clock is right cannot be told from here",
    "compare it with another clock: date -u",
  );
}

/** What doctor sees of the spool from outside. */
export interface SpoolSight {
  readonly finding: Finding;
  /** Messages in it; undefined where it cannot be looked at. */
  readonly count?: number;
}

export async function spoolSight({ stateDir, limits }: Patient): Promise<SpoolSight> {
  if (stateDir === undefined) {
    const line = about("spool", "stateDir");
    return {
      finding: line.unknown("the config does not say where it is", "mend stateDir in the config first"),
    };
  }
  const folder = join(stateDir, "spool");
  const line = about("spool", folder);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => error);
  const count = names instanceof Error ? undefined : names.filter(isQueueId).length;
  const known = count === undefined ? {} : { count };
  if (names instanceof Error && names.code !== "ENOENT") return { finding: notSeen(folder, names) };
  const there = count === undefined ? await nearest(folder) : folder;
  const denied = await access(there, constants.W_OK | constants.X_OK).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error,
  );
  if (denied) return { finding: notSeen(there, denied), ...known };
  const { bavail, bsize, files, ffree } = await statfs(there);
  const freeBytes = bavail * bsize;
  const least = limits.freeDiskBytes ?? 0;
  const room = `${formatRoom(freeBytes)} are free and limits.freeDisk is ${formatSize(least)}`;
  const spare = `make room on the disk of ${there}, or lower limits.freeDisk`;
  if (freeBytes < least) return { finding: line.failed(`${room}: no mail is accepted`, spare), ...known };
  if (files > 0 && ffree === 0)
    return { finding: line.failed("the disk has no inode left", `delete files on the disk of ${there}`) };
  if (limits.queue !== undefined && count !== undefined && count >= limits.queue) {
    const found = `${counted(count, "message")}, as many as limits.queue allows: no mail is accepted`;
    return {
      finding: line.failed(found, "see sluice queue for what they wait for, or raise limits.queue"),
      count,
    };
  }
  if (freeBytes < SPARE * least) return { finding: line.warn(room, spare), ...known };
  const made = count === undefined ? "the agent will make it" : "writable";
  return { finding: line.ok(`${made}, ${formatRoom(freeBytes)} free`), ...known };
}

function notSeen(path: string, { code }: NodeJS.ErrnoException): Finding {
  const line = about("spool", path);
  if (code === "EACCES" || code === "EPERM")
    return line.unknown("this user may not look", "run this as root or as the user that the agent runs as");
  if (code === "EROFS") return line.failed("its file system is read-only", "mount it for writing");
  return line.failed(`it cannot be used (${code})`, "name another folder in stateDir, or mend that one");
}

/** The nearest folder above that exists. */
async function nearest(path: string): Promise<string> {
  const up = dirname(path);
  const exists = await access(up).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== "ENOENT",
  );
  return exists || up === path ? up : nearest(up);
}

/** To two digits: nobody needs the bytes. */
function formatRoom(bytes: number): string {
  for (const [unit, size] of [
    ["TB", 1e12],
    ["GB", 1e9],
    ["MB", 1e6],
  ] as const)
    if (bytes >= size) return `${(bytes / size).toPrecision(bytes >= 100 * size ? 3 : 2)} ${unit}`;
  return `${Math.floor(bytes / 1000)} KB`;
}
