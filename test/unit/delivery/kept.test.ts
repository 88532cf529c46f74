import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Kept } from "../../../src/delivery/kept.ts";
import { testFolder } from "../../support/folder.ts";

async function keptIn(text?: string) {
  const folder = await testFolder();
  const path = join(folder, "delivery.json");
  if (text !== undefined) writeFileSync(path, text);
  const troubles: string[] = [];
  return { folder, path, troubles, kept: new Kept(path, (reason) => void troubles.push(reason)) };
}

test("what is put is in the file when put resolves, beside the other sections, and is read back", async () => {
  const { kept, path, folder, troubles } = await keptIn();
  await Promise.all([kept.put("a", { n: 1 }), kept.put("b", [2]), kept.put("a", { n: 3 })]);
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ v: 1, a: { n: 3 }, b: [2] });
  expect(readdirSync(folder)).toEqual(["delivery.json"]);
  const again = new Kept(path, () => {});
  expect([again.section("a"), again.section("b"), again.section("c")]).toEqual([{ n: 3 }, [2], undefined]);
  expect(troubles).toEqual([]);
});

test.each([
  ["half a file", '{"v":1,"a":'],
  ["a file of another version", '{"v":2,"a":1}'],
  ["no object", "[]"],
])("%s is told and begun anew", async (_, text) => {
  const { kept, path, troubles } = await keptIn(text);
  expect(kept.section("a")).toBeUndefined();
  expect(troubles).toHaveLength(1);
  await kept.put("a", 1);
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ v: 1, a: 1 });
});

test("a folder that cannot be written to is told, and rejects who waits for it", async () => {
  const troubles: string[] = [];
  const kept = new Kept("/nonexistent/delivery.json", (reason) => void troubles.push(reason));
  kept.note("b", 1);
  await expect(kept.put("a", 1)).rejects.toThrow("ENOENT");
  expect(troubles).toEqual([expect.stringContaining("ENOENT"), expect.stringContaining("ENOENT")]);
  expect(kept.section("a")).toBe(1);
});
