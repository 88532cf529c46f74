/**
 * The kernel's tables of TCP sockets, /proc/net/tcp and /proc/net/tcp6: who owns the other end of a connection.
 *
 *     sl  local_address rem_address   st tx_queue:rx_queue tr:tm->when retrnsmt   uid  timeout inode
 *      0: 0100007F:C1A2 0100007F:0019 01 00000000:00000000 00:00000000 00000000  1000        0 12345 …
 *
 * Promises: each line is looked at once, whatever number of sockets is looked for; a client of 127.0.0.1 is looked for
 * as the IPv4 socket and as the v4-mapped IPv6 socket that it may be.
 * Refuses lines without an inode: the kernel says uid 0 of a socket whose program has closed it, whoever that was.
 */
import { open } from "node:fs/promises";
import { endianness } from "node:os";
import type { LoopbackEnds } from "./loopback.ts";

export const TABLES = ["tcp", "tcp6"] as const;
export type Table = (typeof TABLES)[number];

/** The client's socket as the tables write it, `local remote`; absent where it cannot stand. */
export type SocketKeys = Readonly<Partial<Record<Table, string>>>;

/** The kernel hands out a page at a time, however much it is asked for. */
const PAGE_BYTES = 4096;
const [COLON, NEWLINE] = [0x3a, 0x0a];
/** `0100007F:C1A2 0100007F:0019`, and the same with 32 digits an address. */
const KEY_LENGTH: Readonly<Record<Table, number>> = { tcp: 27, tcp6: 75 };
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Where the client's socket may stand. */
export function socketKeys({ client, ours }: LoopbackEnds, order = endianness()): SocketKeys {
  const key = (prefix: readonly number[]) =>
    [client, ours]
      .map(({ address, port }) => `${hex([...prefix, ...address], order)}:${hexPort(port)}`)
      .join(" ");
  return client.address.length === 4 ? { tcp: key([]), tcp6: key(MAPPED) } : { tcp6: key([]) };
}

/** As the kernel prints an address: word by word, each as a number of this machine. */
function hex(bytes: readonly number[], order: "LE" | "BE"): string {
  const words = Array.from({ length: bytes.length / 4 }, (_, n) => bytes.slice(4 * n, 4 * n + 4));
  return words
    .map((word) => Buffer.from(order === "LE" ? word.reverse() : word).toString("hex"))
    .join("")
    .toUpperCase();
}

function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}

/** Tells `found` of each line that `wanted` has: its key and the uid of its socket. */
export class TableReader {
  readonly #keyLength: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(table: Table) {
    this.#keyLength = KEY_LENGTH[table];
  }

  /** Takes the next bytes of the table; what is left of a line that they cut is kept. */
  take(
    chunk: Buffer,
    wanted: { has(key: string): boolean },
    found: (key: string, uid: number) => void,
  ): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, at)) {
      const start = bytes.indexOf(COLON, at) + 2; // the heading has none: it is read as one with the first line
      const key = bytes.toString("latin1", start, start + this.#keyLength);
      if (wanted.has(key)) {
        const uid = ownerIn(bytes.toString("latin1", start + this.#keyLength, end));
        if (uid !== undefined) found(key, uid);
      }
      at = end + 1;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
  }
}

/** The uid in what follows the addresses. */
function ownerIn(fields: string): number | undefined {
  const [_state, _queues, _timer, _retransmits, uid, _timeout, inode] = fields.trim().split(/ +/);
  return uid !== undefined && inode !== undefined && inode !== "0" ? Number(uid) : undefined;
}

/** The table as the kernel tells it now, in pieces that are good until the next is asked for. */
export async function* readTable(table: Table): AsyncGenerator<Buffer> {
  await using file = await open(`/proc/net/${table}`);
  const page = Buffer.allocUnsafe(PAGE_BYTES);
  for (;;) {
    const { bytesRead } = await file.read(page, 0, PAGE_BYTES, null);
    if (bytesRead === 0) return;
    yield page.subarray(0, bytesRead);
  }
}
