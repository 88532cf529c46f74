import { expect, test } from "vitest";
import { type LoopbackEnds, loopbackEnds } from "../../../src/intake/loopback.ts";
import { socketKeys, type Table } from "../../../src/intake/socket-table.ts";
import { TableSearch, type TableSearchParts } from "../../../src/intake/table-search.ts";
import { until } from "../../support/until.ts";

const LONG_MS = 60_000;

const ends = (remotePort: number, address = "127.0.0.1"): LoopbackEnds =>
  loopbackEnds({
    localAddress: address,
    localPort: 25,
    remoteAddress: address,
    remotePort,
  }) as LoopbackEnds;

/** A line of the table for the client at `remotePort`. */
function line(table: Table, remotePort: number, uid: number, address?: string): string {
  const key = socketKeys(ends(remotePort, address))[table];
  return `   0: ${key} 01 00000000:00000000 00:00000000 00000000 ${uid} 0 4711 1 0\n`;
}

/** Tables that say what a test puts there; `gate` holds up each piece. */
function kernel(
  content: Partial<Record<Table, readonly string[]>>,
  gate: () => Promise<void> = async () => {},
) {
  const opened: Table[] = [];
  const said: string[] = [];
  const reports: unknown[] = [];
  const parts: TableSearchParts = {
    events: { report: (event, fields) => void reports.push([event, fields]) },
    deadlineMs: LONG_MS,
    async *tables(table) {
      opened.push(table);
      for (const piece of content[table] ?? []) {
        await gate();
        said.push(piece);
        yield Buffer.from(piece);
      }
    },
  };
  return { opened, said, reports, parts };
}

test("one reading serves all that wait when it begins, and ends with the last that is found", async () => {
  const content = { tcp: [line("tcp", 1, 33), line("tcp", 2, 1000), line("tcp", 3, 0), "never read\n"] };
  const { opened, said, parts } = kernel(content);
  using search = new TableSearch(parts);
  const asked = [3, 1, 2].map((port) => search.ownerOf(ends(port)));
  expect(await Promise.all(asked)).toEqual([0, 33, 1000]);
  expect(opened).toEqual(["tcp"]);
  expect(said).toEqual(content.tcp.slice(0, 3));
});

test("who comes while a reading is under way is in the next one, and never is there a second beside it", async () => {
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const { opened, parts } = kernel({ tcp: [line("tcp", 2, 34), line("tcp", 1, 33)] }, () => gate);
  using search = new TableSearch(parts);
  const first = search.ownerOf(ends(1));
  await until("the first reading has begun", () => opened.length === 1);
  const others = [search.ownerOf(ends(2)), search.ownerOf(ends(9))];
  expect(opened).toEqual(["tcp"]);
  open();
  expect(await first).toBe(33);
  expect(await Promise.all(others)).toEqual([34, undefined]);
  expect(opened.filter((table) => table === "tcp").length).toBeLessThanOrEqual(2);
});

test("an IPv6 socket of a client of 127.0.0.1 is found in tcp6; ::1 is looked for there only", async () => {
  const { opened, parts } = kernel({ tcp6: [line("tcp6", 1, 33), line("tcp6", 2, 34, "::1")] });
  using search = new TableSearch(parts);
  expect(await search.ownerOf(ends(1))).toBe(33);
  expect(opened.splice(0)).toEqual(["tcp", "tcp6"]);
  expect(await search.ownerOf(ends(2, "::1"))).toBe(34);
  expect(opened).toEqual(["tcp6"]);
});

test("who is not in the tables is unknown", async () => {
  const { opened, parts } = kernel({ tcp: [line("tcp", 1, 33)] });
  using search = new TableSearch(parts);
  expect(await search.ownerOf(ends(2))).toBeUndefined();
  expect(opened).toEqual(["tcp", "tcp6"]);
});

test("after the deadline the owner is unknown, however long the kernel takes; so it is after the end", async () => {
  const { parts } = kernel({ tcp: [line("tcp", 1, 33)] }, () => new Promise(() => {}));
  using search = new TableSearch({ ...parts, deadlineMs: 20 });
  expect(await search.ownerOf(ends(1))).toBeUndefined();
  const ended = new TableSearch(parts);
  const asked = ended.ownerOf(ends(1));
  ended[Symbol.dispose]();
  expect(await asked).toBeUndefined();
});

test("hidden tables make owners unknown, and are told of once; a missing tcp6 is not", async () => {
  const failing = (path: string) => Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT", path });
  const noV6 = kernel({ tcp: [line("tcp", 1, 33)] });
  using withoutV6 = new TableSearch({
    ...noV6.parts,
    async *tables(table) {
      if (table === "tcp6") throw failing("/proc/net/tcp6");
      yield* noV6.parts.tables?.(table) ?? [];
    },
  });
  expect(await withoutV6.ownerOf(ends(2))).toBeUndefined();
  expect(await withoutV6.ownerOf(ends(1))).toBe(33);
  expect(noV6.reports).toEqual([]);

  const hidden = kernel({});
  using blind = new TableSearch({
    ...hidden.parts,
    tables() {
      throw failing("/proc/net/tcp");
    },
  });
  for (const port of [1, 2]) expect(await blind.ownerOf(ends(port))).toBeUndefined();
  expect(hidden.reports).toEqual([
    ["trouble", { part: "submitter", reason: expect.stringMatching(/stay unknown: ENOENT.*tcp/) }],
  ]);
});
