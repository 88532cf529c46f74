/** A write to the journal that a full disk cuts short must not spoil the next line, whose append resolves. */
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { Journal } from "../../../src/journal/journal.ts";
import { testFolder } from "../../support/folder.ts";

const probe = await open(process.execPath, "r");
const proto = Object.getPrototypeOf(probe);
await probe.close();
afterEach(() => vi.restoreAllMocks());

test("the journal line after one that a full disk cut short is whole", async () => {
  const folder = await testFolder();
  const journal = await Journal.open({ folder, historyMs: 1e9, now: Date.now });
  const line = (id: string) => ({
    at: new Date().toISOString(),
    event: "finished" as const,
    id,
    account: "portal",
    sender: null,
  });
  await journal.append(line("first"));
  const real = proto.appendFile;
  vi.spyOn(proto, "appendFile").mockImplementationOnce(async function (this: unknown, text: unknown) {
    await real.call(this, String(text).slice(0, 20)); // what fitted
    throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
  });
  await journal.append(line("second")).catch(() => {});
  await journal.append(line("third")); // there is room again: resolves, so it is promised
  await journal[Symbol.asyncDispose]();
  const text = await readFile(join(folder, `${new Date().toISOString().slice(0, 10)}.jsonl`), "utf8");
  const ids = text.split("\n").flatMap((one) => {
    try {
      return [JSON.parse(one).id];
    } catch {
      return [];
    }
  });
  expect(ids).toContain("third");
});
