import { appendFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { SpoolEntry, SpoolRecord } from "../../../src/spool/entry.ts";
import { glanceAt } from "../../../src/spool/glance.ts";
import { address, entryFor, WIRE } from "../../support/messages.ts";
import { testSpool } from "../../support/spool.ts";

const HELD: SpoolRecord = { at: 1, event: "held", reason: "wait" };
const MANY = Array.from({ length: 900 }, (_, n) => address(`user${n}@a-long-name.example.org`));

async function message(changes: Partial<SpoolEntry>, wire: Buffer) {
  const { spool, folder } = await testSpool();
  const id = spool.newId();
  await spool.accept(entryFor(id, changes), [wire]);
  return { spool, id, path: join(folder, id) };
}

test.each([
  ["a small message", {}, WIRE],
  ["a body larger than a block", {}, Buffer.alloc(300_000, "x\n")],
  [
    "a first line larger than a block",
    { envelope: { sender: address("a@b.example"), recipients: MANY } },
    WIRE,
  ],
  ["a file that is as long as a block", {}, Buffer.alloc(8192 - 529, "x")],
])("a glance at %s sees what opening it sees", async (_, changes, wire) => {
  const { spool, id } = await message(changes, wire);
  for (let records = 0; records < 3; records++) {
    const opened = await spool.open(id);
    if (!opened.ok) throw new Error("not there");
    await using found = opened.message;
    const seen = { ok: true, entry: found.entry, records: [...found.records] };
    expect(await spool.glance(id)).toEqual(seen);
    await found.append(HELD);
  }
});

test("a torn last line is passed over; what cannot be believed is corrupt, what is not there gone", async () => {
  const { spool, id, path } = await message({}, WIRE);
  await appendFile(path, `${JSON.stringify(HELD)}\n{"at":2,"ev`);
  expect(await spool.glance(id)).toMatchObject({ ok: true, records: [HELD] });
  await truncate(path, (await entrySize(path)) + 5);
  const problem = `it is ${WIRE.length - 5} bytes short`;
  expect(await spool.glance(id)).toEqual({ ok: false, why: "corrupt", problem });
  await writeFile(path, "no json\n");
  expect(await spool.glance(id)).toMatchObject({ why: "corrupt", problem: "its first line is not JSON" });
  await writeFile(path, "x".repeat(10_000));
  expect(await spool.glance(id)).toMatchObject({ why: "corrupt", problem: "its first line has no end" });
  await writeFile(path, "");
  expect(await spool.glance(id)).toMatchObject({ why: "corrupt" });
  expect(await spool.glance(spool.newId())).toEqual({ ok: false, why: "gone" });
  expect(await spool.glance("../../etc/passwd")).toEqual({ ok: false, why: "gone" });
  await expect(glanceAt(join(path, id), id)).rejects.toThrow("ENOTDIR");
});

async function entrySize(path: string): Promise<number> {
  const { readFile } = await import("node:fs/promises");
  return (await readFile(path)).indexOf("\n") + 1;
}
