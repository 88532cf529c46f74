import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readLogKey } from "../../../src/observe/log-key.ts";
import { testFolder } from "../../support/folder.ts";

test("the key is random, kept, and nobody else's; a spoilt one is made anew", async () => {
  const folder = await testFolder();
  const key = await readLogKey(folder);
  expect(key).toHaveLength(32);
  expect(await readLogKey(folder)).toEqual(key);
  expect((await stat(join(folder, "log-key"))).mode & 0o777).toBe(0o600);
  await writeFile(join(folder, "log-key"), "short");
  expect(await readLogKey(folder)).not.toEqual(key);
  expect(await readdir(folder)).toEqual(["log-key"]);
});
