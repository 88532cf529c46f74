import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type LoopbackEnds, loopbackEnds } from "../../../src/intake/loopback.ts";
import { socketKeys, type Table, TableReader } from "../../../src/intake/socket-table.ts";

const ends = (remoteAddress: string, localAddress: string): LoopbackEnds =>
  loopbackEnds({ remoteAddress, remotePort: 49570, localAddress, localPort: 25 }) as LoopbackEnds;

describe("the client's socket as the kernel writes it", () => {
  test("127.0.0.1 is looked for in both tables, for a program may use an IPv6 socket for it", () => {
    expect(socketKeys(ends("127.0.0.1", "127.0.0.2"), "LE")).toEqual({
      tcp: "0100007F:C1A2 0200007F:0019",
      tcp6: "0000000000000000FFFF00000100007F:C1A2 0000000000000000FFFF00000200007F:0019",
    });
  });

  test("a listener for both families gives a v4-mapped address, which means the same", () => {
    const mapped = socketKeys(ends("::ffff:127.0.0.1", "::ffff:127.0.0.1"), "LE");
    expect(mapped).toEqual(socketKeys(ends("127.0.0.1", "127.0.0.1"), "LE"));
  });

  test("::1 stands in tcp6 only", () => {
    expect(socketKeys(ends("::1", "::1"), "LE")).toEqual({
      tcp6: "00000000000000000000000001000000:C1A2 00000000000000000000000001000000:0019",
    });
  });

  test("on a big-endian machine the bytes stand in their order", () => {
    expect(socketKeys(ends("127.0.0.1", "127.0.0.2"), "BE")).toEqual({
      tcp: "7F000001:C1A2 7F000002:0019",
      tcp6: "00000000000000000000FFFF7F000001:C1A2 00000000000000000000FFFF7F000002:0019",
    });
  });
});

const HEADING =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const line = (n: number, key: string, uid: number, inode: number) =>
  `${`${n}`.padStart(4)}: ${key} 01 00000000:00000000 00:00000000 00000000 ${`${uid}`.padStart(5)} ${"0".padStart(8)} ${inode} 1 0 20\n`;

function owners(table: Table, pieces: readonly Buffer[], wanted: readonly string[]): [string, number][] {
  const reader = new TableReader(table);
  const found: [string, number][] = [];
  for (const piece of pieces) reader.take(piece, new Set(wanted), (key, uid) => found.push([key, uid]));
  return found;
}

describe("the table", () => {
  const key = "0100007F:C1A2 0100007F:0019";

  test("tells the owner of the socket that is looked for, and of no other", () => {
    const text = [
      HEADING,
      line(0, "0100007F:0019 0100007F:C1A2", 0, 11), // our end of it
      line(1, "0100007F:C1A3 0100007F:0019", 33, 12),
      line(12345, key, 1000, 13),
    ].join("");
    expect(owners("tcp", [Buffer.from(text)], [key])).toEqual([[key, 1000]]);
  });

  test("says nothing of a socket that its program has closed: the kernel writes uid 0 there", () => {
    expect(owners("tcp", [Buffer.from(HEADING + line(0, key, 0, 0))], [key])).toEqual([]);
    expect(owners("tcp", [Buffer.from(HEADING + line(0, key, 0, 7))], [key])).toEqual([[key, 0]]);
  });

  const word = fc
    .integer({ min: 0, max: 0xffff_ffff })
    .map((n) => n.toString(16).toUpperCase().padStart(8, "0"));
  const port = fc.integer({ min: 0, max: 65535 }).map((n) => n.toString(16).toUpperCase().padStart(4, "0"));
  const keyOf = (words: number) => {
    const address = fc.array(word, { minLength: words, maxLength: words }).map((all) => all.join(""));
    return fc.tuple(address, port, address, port).map(([a, b, c, d]) => `${a}:${b} ${c}:${d}`);
  };
  const socket = (words: number) =>
    fc.record({ key: keyOf(words), uid: fc.nat(70_000), inode: fc.nat(3), wanted: fc.boolean() });
  const tableOf = (table: Table, words: number) =>
    fc.tuple(
      fc.constant(table),
      fc.uniqueArray(socket(words), { selector: (one) => one.key, maxLength: 40 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }),
    );

  test("is read the same however it is cut into pieces", () => {
    fc.assert(
      fc.property(fc.oneof(tableOf("tcp", 1), tableOf("tcp6", 4)), ([table, sockets, cuts]) => {
        const lines = sockets.map(({ key: pair, uid, inode }, n) => line(n, pair, uid, inode));
        const bytes = Buffer.from(HEADING + lines.join(""));
        const pieces: Buffer[] = [];
        for (let at = 0, n = 0; at < bytes.length; n++) {
          const size = cuts[n % cuts.length] as number;
          pieces.push(bytes.subarray(at, at + size));
          at += size;
        }
        const wanted = sockets.filter((one) => one.wanted);
        expect(
          owners(
            table,
            pieces,
            wanted.map((one) => one.key),
          ),
        ).toEqual(wanted.filter(({ inode }) => inode > 0).map((one) => [one.key, one.uid]));
      }),
    );
  });
});
