/**
 * Who listens on a TCP port of this machine, as the kernel tells: proc(5), /proc/net/tcp and the descriptors of processes.
 *
 * Promises: opens no connection; where the kernel hides whose a socket is, that is told.
 */
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

const LISTEN = "0A";

export interface Holder {
  readonly processId: number;
  readonly name: string;
}

/** Undefined: nobody listens there. Empty: somebody does, and this user may not see who. */
export async function holdersOf(
  place: { readonly host: string; readonly port: number },
  proc = "/proc",
): Promise<readonly Holder[] | undefined> {
  const tables = await Promise.all(
    ["net/tcp", "net/tcp6"].map((name) => readFile(join(proc, name), "utf8").catch(() => "")),
  );
  const inodes = tables.flatMap((table) => listeningInodes(table, place));
  if (inodes.length === 0) return undefined;
  const links = new Set(inodes.map((inode) => `socket:[${inode}]`));
  const names = await readdir(proc);
  const found = await Promise.all(
    names.filter((name) => /^\d+$/.test(name)).map((name) => holder(join(proc, name), Number(name), links)),
  );
  return found.filter((one) => one !== undefined);
}

async function holder(
  folder: string,
  processId: number,
  links: ReadonlySet<string>,
): Promise<Holder | undefined> {
  const descriptors = await readdir(join(folder, "fd")).catch(() => []);
  for (const descriptor of descriptors) {
    const link = await readlink(join(folder, "fd", descriptor)).catch(() => "");
    if (!links.has(link)) continue;
    const name = await readFile(join(folder, "comm"), "utf8").catch(() => "?");
    return { processId, name: name.trim() };
  }
  return undefined;
}

function listeningInodes(table: string, { host, port }: { host: string; port: number }): string[] {
  return table
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = "", , state]) => {
      const [address = "", hexPort = ""] = local.split(":");
      return state === LISTEN && Number.parseInt(hexPort, 16) === port && covers(address, host);
    })
    .map((columns) => columns[9] ?? "");
}

/** Whether a socket at that address (hex, 32-bit words in the machine's order) takes what comes to `host`. */
function covers(address: string, host: string): boolean {
  return /^0+$/.test(address) ? !(host.includes(":") && address.length === 8) : address === hexAddress(host);
}

function hexAddress(host: string): string {
  if (!host.includes(":")) return littleEndian(host.split(".").map(Number));
  const [head = "", tail = ""] = host.split("::");
  const groups = (text: string) =>
    text
      .split(":")
      .filter(Boolean)
      .map((group) => Number.parseInt(group, 16));
  const [before, after] = [groups(head), groups(tail)];
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  const bytes = all.flatMap((group) => [group >> 8, group & 255]);
  return [0, 4, 8, 12].map((at) => littleEndian(bytes.slice(at, at + 4))).join("");
}

function littleEndian(bytes: readonly number[]): string {
  return bytes
    .toReversed()
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .toUpperCase();
}
