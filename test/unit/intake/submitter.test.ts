import { expect, test } from "vitest";
import { type Ends, socketKeys, type Table } from "../../../src/intake/socket-table.ts";
import { type SubmitterParts, Submitters } from "../../../src/intake/submitter.ts";
import { UserNames } from "../../../src/intake/user-names.ts";
import { until } from "../../support/until.ts";

const NO_NAMES = new UserNames("/nonexistent/passwd");
const LONG_MS = 60_000;

const ends = (remotePort: number, address = "127.0.0.1"): Ends => ({
  localAddress: address,
  localPort: 25,
  remoteAddress: address,
  remotePort,
});

/** A line of the table for the client at `remotePort`. */
function line(table: Table, remotePort: number, uid: number, address?: string): string {
  const key = socketKeys(ends(remotePort, address))?.[table];
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
  const parts: SubmitterParts = {
    events: { report: (event, fields) => void reports.push([event, fields]) },
    names: NO_NAMES,
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
  using submitters = new Submitters(parts);
  const asked = [3, 1, 2].map((port) => submitters.userOf(ends(port)));
  expect(await Promise.all(asked)).toEqual(["uid:0", "uid:33", "uid:1000"]);
  expect(opened).toEqual(["tcp"]);
  expect(said).toEqual(content.tcp.slice(0, 3));
});

test("who comes while a reading is under way is in the next one, and never is there a second beside it", async () => {
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const { opened, parts } = kernel({ tcp: [line("tcp", 2, 34), line("tcp", 1, 33)] }, () => gate);
  using submitters = new Submitters(parts);
  const first = submitters.userOf(ends(1));
  await until("the first reading has begun", () => opened.length === 1);
  const others = [submitters.userOf(ends(2)), submitters.userOf(ends(9))];
  expect(opened).toEqual(["tcp"]);
  open();
  expect(await first).toBe("uid:33");
  expect(await Promise.all(others)).toEqual(["uid:34", undefined]);
  expect(opened.filter((table) => table === "tcp").length).toBeLessThanOrEqual(2);
});

test("an IPv6 socket of a client of 127.0.0.1 is found in tcp6; ::1 is looked for there only", async () => {
  const { opened, parts } = kernel({ tcp6: [line("tcp6", 1, 33), line("tcp6", 2, 34, "::1")] });
  using submitters = new Submitters(parts);
  expect(await submitters.userOf(ends(1))).toBe("uid:33");
  expect(opened.splice(0)).toEqual(["tcp", "tcp6"]);
  expect(await submitters.userOf(ends(2, "::1"))).toBe("uid:34");
  expect(opened).toEqual(["tcp6"]);
});

test("who is not in the tables, or not on the loopback, or gone already, is unknown", async () => {
  const { opened, parts } = kernel({ tcp: [line("tcp", 1, 33)] });
  using submitters = new Submitters(parts);
  expect(await submitters.userOf(ends(2))).toBeUndefined();
  expect(opened.splice(0)).toEqual(["tcp", "tcp6"]);
  expect(await submitters.userOf(ends(1, "192.0.2.1"))).toBeUndefined();
  expect(await submitters.userOf({ localAddress: "127.0.0.1", localPort: 25 })).toBeUndefined();
  expect(opened).toEqual([]);
});

test("after the deadline the user is unknown, however long the kernel takes; so it is after the end", async () => {
  const { parts } = kernel({ tcp: [line("tcp", 1, 33)] }, () => new Promise(() => {}));
  using submitters = new Submitters({ ...parts, deadlineMs: 20 });
  expect(await submitters.userOf(ends(1))).toBeUndefined();
  const ended = new Submitters(parts);
  const asked = ended.userOf(ends(1));
  ended[Symbol.dispose]();
  expect(await asked).toBeUndefined();
});

test("hidden tables make users unknown, and are told of once; a missing tcp6 is not", async () => {
  const failing = (path: string) => Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT", path });
  const noV6 = kernel({ tcp: [line("tcp", 1, 33)] });
  using withoutV6 = new Submitters({
    ...noV6.parts,
    async *tables(table) {
      if (table === "tcp6") throw failing("/proc/net/tcp6");
      yield* noV6.parts.tables?.(table) ?? [];
    },
  });
  expect(await withoutV6.userOf(ends(2))).toBeUndefined();
  expect(await withoutV6.userOf(ends(1))).toBe("uid:33");
  expect(noV6.reports).toEqual([]);

  const hidden = kernel({});
  using blind = new Submitters({
    ...hidden.parts,
    tables() {
      throw failing("/proc/net/tcp");
    },
  });
  for (const port of [1, 2]) expect(await blind.userOf(ends(port))).toBeUndefined();
  expect(hidden.reports).toEqual([
    ["trouble", { part: "submitter", reason: expect.stringMatching(/stay unknown: ENOENT.*tcp/) }],
  ]);
});
