import { readdir } from "node:fs/promises";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import type { SpoolRecord } from "../../../src/spool/entry.ts";
import type { SpoolMessage } from "../../../src/spool/message.ts";
import { routeOf } from "../../../src/spool/route.ts";
import type { Spool } from "../../../src/spool/spool.ts";
import { address, entryFor } from "../../support/messages.ts";
import { testSpool } from "../../support/spool.ts";

const HEAD = "Received: from x\r\n\tby y\r\nFrom: app@lab.example\r\n\r\n";
const NEW_HEAD = Buffer.from("Received: from x\r\n\tby y\r\nFrom: Portal <portal@lab.example>\r\n\r\n");
const HELD: SpoolRecord = { at: 1, event: "held", reason: "wait" };

/** A message with this body, and what shall take its place. */
async function prepared(body: Buffer) {
  const { spool, folder } = await testSpool();
  const id = spool.newId();
  const entry = entryFor(id);
  await spool.accept(entry, [Buffer.from(HEAD), body]);
  const next = { ...entry, account: "other", from: address("portal@lab.example") };
  const record: SpoolRecord = {
    at: 2,
    event: "repolicied",
    was: routeOf(entry),
    now: routeOf(next),
    rule: next.rule,
    why: next.why,
  };
  return { spool, folder, id, next: { entry: next, head: NEW_HEAD, insteadOf: HEAD.length, record } };
}

async function withMessage<T>(
  spool: Spool,
  id: string,
  work: (message: SpoolMessage) => Promise<T>,
): Promise<T> {
  const opened = await spool.open(id);
  if (!opened.ok) throw new Error(opened.why);
  await using message = opened.message;
  return await work(message);
}

async function bytesOf(message: SpoolMessage): Promise<Buffer> {
  const wire = await message.wire();
  return Buffer.isBuffer(wire) ? wire : buffer(wire as Readable);
}

test.each([
  ["a small body", Buffer.from("body\r\n")],
  ["no body", Buffer.alloc(0)],
  ["a body of many pieces", Buffer.alloc(1_000_003, "0123456789abcde\r\n")],
])(
  "a message with %s is replaced under its id: the head is new, the body and what happened stay",
  async (_, body) => {
    const { spool, folder, id, next } = await prepared(body);
    await withMessage(spool, id, async (message) => {
      await message.append(HELD);
      await spool.replace(message, next);
    });
    await withMessage(spool, id, async (message) => {
      expect(message.entry).toEqual({ v: 1, ...next.entry, wireBytes: NEW_HEAD.length + body.length });
      expect((await bytesOf(message)).equals(Buffer.concat([NEW_HEAD, body]))).toBe(true);
      expect(message.records).toEqual([HELD, next.record]);
      await message.append({ at: 3, event: "released" });
    });
    await withMessage(spool, id, async ({ records }) => {
      expect(records.map(({ event }) => event)).toEqual(["held", "repolicied", "released"]);
    });
    expect(await readdir(folder)).toEqual([id]);
    expect(spool.count).toBe(1);
  },
);

test("when the disk fails in the middle, the old message is there as it was, and nothing else", async () => {
  const { spool, folder, id, next } = await prepared(Buffer.from("body\r\n"));
  await withMessage(spool, id, async (message) => {
    message.pieces = async function* () {
      yield Buffer.from("bo");
      throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    };
    await expect(spool.replace(message, next)).rejects.toThrow("ENOSPC");
  });
  await withMessage(spool, id, async (message) => {
    expect(message.entry.account).toBe("portal");
    expect((await bytesOf(message)).toString()).toBe(`${HEAD}body\r\n`);
    expect(message.records).toEqual([]);
  });
  expect(await readdir(folder)).toEqual([id]);
});
