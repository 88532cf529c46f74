/**
 * This installation's id: random, kept in the state folder with a mark of the machine that it was made on.
 *
 * It names our queues in a Redis that others share. The host name is no part of it: a renamed host keeps its queues.
 * Promises: a state folder that came from another machine gets another id, for the machine that it was copied from may
 * still work under the old one; a new id is synced before anyone works under it. It costs nothing but the jobs under
 * the old names: recovery makes them again from the files, so one that cannot be read is replaced too.
 * Refuses to tell machines apart that have no machine-id, or the same one: in a shared Redis src/queue/ownership.ts does.
 */
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

const FILE = /^([0-9a-f]{12})\n?(?:machine ([0-9a-f]{64})\n)?$/;

export interface Instance {
  readonly id: string;
  /** Why it is not the id of the last run; undefined when it is, or when there was none. */
  readonly renewed?: string;
}

/** Reads `<stateDir>/instance`, or makes it. `machine`: the mark of this machine, "" when it has none. */
export async function readInstance(stateDir: string, machine = machineMark()): Promise<Instance> {
  const path = join(stateDir, "instance");
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return { id: await newInstance(stateDir, machine) };
  const [, id, madeOn] = FILE.exec(text) ?? [];
  const renewed = async (reason: string) => {
    const made = await newInstance(stateDir, machine);
    return { id: made, renewed: `${reason}: new instance id ${made}` };
  };
  if (id === undefined) return renewed(`${path} does not hold an instance id`);
  if (madeOn === undefined && machine !== "") await write(stateDir, id, machine);
  if (madeOn === undefined || machine === "" || madeOn === machine) return { id };
  return renewed(`this state folder, instance id ${id}, came from another machine`);
}

/** Takes another id, and writes it down. */
export async function newInstance(stateDir: string, machine = machineMark()): Promise<string> {
  const id = randomBytes(6).toString("hex");
  await write(stateDir, id, machine);
  return id;
}

/** A hash that stands for this machine, as machine-id(5) asks: the id itself is nobody's business. "" without one. */
export function machineMark(file = "/etc/machine-id"): string {
  try {
    const id = readFileSync(file, "utf8").trim();
    // An image that was never booted holds nothing, or the word "uninitialized".
    return /^[0-9a-f]{32}$/.test(id) ? createHash("sha256").update(`sluice ${id}`).digest("hex") : "";
  } catch {
    return "";
  }
}

async function write(stateDir: string, id: string, machine: string): Promise<void> {
  const path = join(stateDir, "instance");
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.write(machine === "" ? `${id}\n` : `${id}\nmachine ${machine}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  const folder = await open(stateDir, "r");
  await folder.sync().finally(() => folder.close());
}
