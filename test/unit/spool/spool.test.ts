import { appendFile, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import type { SpoolMessage } from "../../../src/spool/message.ts";
import type { Spool } from "../../../src/spool/spool.ts";
import { entryFor, WIRE } from "../../support/messages.ts";
import { testSpool } from "../../support/spool.ts";

async function opened(spool: Spool, id: string): Promise<SpoolMessage> {
  const result = await spool.open(id);
  if (!result.ok) throw new Error(`not opened: ${result.why}`);
  onTestFinished(() => result.message.close());
  return result.message;
}

test("what was accepted is read back as it was, bytes included", async () => {
  const { spool, folder } = await testSpool();
  const id = spool.newId();
  await spool.accept(entryFor(id), [WIRE.subarray(0, 10), WIRE.subarray(10)]);
  const message = await opened(spool, id);
  expect(message.entry).toMatchObject({
    v: 1,
    ...entryFor(id, { timeMs: message.entry.timeMs }),
    wireBytes: WIRE.length,
  });
  expect(await message.wire()).toEqual(WIRE);
  expect(message.records).toEqual([]);
  expect(await readdir(folder)).toEqual([id]);
  expect((await readFile(join(folder, id), "utf8")).split("\n")[1]).toBe("From: app@lab.example\r");
});

test("a message above the buffer's size streams, byte for byte", async () => {
  const { spool } = await testSpool();
  const id = spool.newId();
  const big = Buffer.alloc(1_000_003, "0123456789abcde\r\n");
  await spool.accept(entryFor(id), [big]);
  expect(await text((await (await opened(spool, id)).wire()) as Readable)).toBe(big.toString());
});

test("what happened later is appended, and read back in order", async () => {
  const { spool } = await testSpool();
  const id = spool.newId();
  await spool.accept(entryFor(id), [WIRE]);
  const first = await opened(spool, id);
  await first.append({ at: 1, event: "held", reason: "wait" });
  await first.append({ at: 2, event: "released" });
  expect(first.records).toHaveLength(2);
  const again = await opened(spool, id);
  expect(again.records.map(({ event }) => event)).toEqual(["held", "released"]);
  expect(await again.wire()).toEqual(WIRE);
});

test("a line torn by a crash is passed over, and the next one stays whole", async () => {
  const { spool, folder } = await testSpool();
  const id = spool.newId();
  await spool.accept(entryFor(id), [WIRE]);
  await (await opened(spool, id)).append({ at: 1, event: "held", reason: "wait" });
  await appendFile(join(folder, id), '{"at":2,"event":"rele');
  const torn = await opened(spool, id);
  expect(torn.records).toHaveLength(1);
  await torn.append({ at: 3, event: "released" });
  expect((await opened(spool, id)).records.map(({ at }) => at)).toEqual([1, 3]);
});

test("a first line longer than one read is read whole", async () => {
  const { spool } = await testSpool();
  const id = spool.newId();
  await spool.accept(entryFor(id, { why: "x".repeat(300_000) }), [WIRE]);
  const message = await opened(spool, id);
  expect(message.entry.why).toHaveLength(300_000);
  expect(await message.wire()).toEqual(WIRE);
});

test("a file that cannot be believed is called corrupt, with the reason, and one that is gone is gone", async () => {
  const { spool, folder } = await testSpool();
  const [short, garbled, other, version] = [
    spool.newId(),
    spool.newId(),
    spool.newId(),
    spool.newId(),
  ] as const;
  for (const id of [short, garbled, other, version]) await spool.accept(entryFor(id), [WIRE]);
  await truncate(join(folder, short), 500);
  await writeFile(join(folder, garbled), "no json\n");
  await writeFile(join(folder, other), await readFile(join(folder, version)));
  await writeFile(
    join(folder, version),
    (await readFile(join(folder, version), "utf8")).replace('"v":1', '"v":2'),
  );
  expect(await spool.open(short)).toMatchObject({ ok: false, why: "corrupt" });
  expect(await spool.open(garbled)).toMatchObject({ why: "corrupt", problem: "its first line is not JSON" });
  expect(await spool.open(other)).toMatchObject({ why: "corrupt", problem: `it says it is ${version}` });
  expect(await spool.open(version)).toMatchObject({
    why: "corrupt",
    problem: "it is of version 2, this is version 1",
  });
  expect(await spool.open(spool.newId())).toEqual({ ok: false, why: "gone" });
});

test("ids that are no queue ids never reach the file system", async () => {
  const { spool } = await testSpool();
  expect(await spool.open("../../etc/passwd")).toEqual({ ok: false, why: "gone" });
  await expect(spool.remove("../../etc/passwd")).rejects.toThrow("not a queue id");
});

test("what was cut off while it was received is cleared away at the next start, and the rest is counted", async () => {
  const { spool, folder } = await testSpool();
  const id = spool.newId();
  await spool.accept(entryFor(id), [WIRE]);
  await writeFile(join(folder, `${spool.newId()}.part`), "half a mess");
  const { spool: next } = await testSpool({ folder });
  expect(next.count).toBe(1);
  expect(await next.ids()).toEqual([id]);
  expect(await readdir(folder)).toEqual([id]);
});

test("a write is tried without a trace, and fails with the system's reason", async () => {
  const { spool, folder } = await testSpool();
  await spool.tryWrite();
  expect(await readdir(folder)).toEqual([]);
  await rm(folder, { recursive: true });
  await expect(spool.tryWrite()).rejects.toMatchObject({ code: "ENOENT" });
});

test("there is room until the bound of messages, and none when the disk is low", async () => {
  const { spool } = await testSpool({ maxMessages: 1 });
  expect(spool.room()).toEqual({ ok: true });
  const id = spool.newId();
  await spool.accept(entryFor(id), [WIRE]);
  expect(spool.room()).toEqual({ ok: false, reason: "queue-full" });
  await spool.remove(id);
  await spool.remove(id);
  expect(spool.room()).toEqual({ ok: true });
  expect(spool.count).toBe(0);
  const { spool: low } = await testSpool({ freeDiskBytes: Number.MAX_SAFE_INTEGER });
  expect(low.room()).toEqual({ ok: false, reason: "disk-low" });
});

test("a refused message leaves nothing behind, and a second one under the same id is refused", async () => {
  const { spool, folder } = await testSpool();
  const id = spool.newId();
  await writeFile(join(folder, `${id}.part`), "somebody else's");
  await expect(spool.accept(entryFor(id), [WIRE])).rejects.toMatchObject({ code: "EEXIST" });
  expect(spool.count).toBe(0);
});

test("many messages at once are all on disk when they are accepted", async () => {
  const { spool } = await testSpool({ maxMessages: 1000 });
  const ids = Array.from({ length: 200 }, () => spool.newId());
  await Promise.all(ids.map((id) => spool.accept(entryFor(id), [WIRE])));
  expect(await spool.ids()).toEqual(ids);
  expect(spool.count).toBe(200);
});
