import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { UserNames } from "../../../src/intake/user-names.ts";
import { testFolder } from "../../support/folder.ts";

const PASSWD = [
  "root:x:0:0:root:/root:/bin/bash",
  "toor:x:0:0:another root:/root:/bin/sh",
  "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin",
  "",
  "# a comment:x:44:44::/:/bin/sh",
  "broken:x:not a number:0::/:/bin/sh",
  "+:x:55",
];

async function names(text = PASSWD.join("\n")) {
  const file = join(await testFolder(), "passwd");
  await writeFile(file, text);
  return { file, found: new UserNames(file) };
}

test("a uid has the first name that the file gives it, or its number", async () => {
  const { found } = await names();
  expect([0, 33, 44, 1234].map((uid) => found.nameOf(uid))).toEqual([
    "root",
    "www-data",
    "uid:44",
    "uid:1234",
  ]);
});

test("a changed file counts from the next look, whether written or replaced", async () => {
  const { file, found } = await names();
  expect(found.nameOf(33)).toBe("www-data");
  await writeFile(file, "web:x:33:33::/:/bin/sh\n");
  expect(found.nameOf(33)).toBe("web");
  await writeFile(`${file}.new`, "www:x:33:33::/:/bin/sh\n");
  await rename(`${file}.new`, file);
  expect(found.nameOf(33)).toBe("www");
});

test("without the file there are numbers, and names again when it is back", async () => {
  const { file, found } = await names();
  expect(found.nameOf(33)).toBe("www-data");
  await rm(file);
  expect(found.nameOf(33)).toBe("uid:33");
  await writeFile(file, PASSWD.join("\n"));
  expect(found.nameOf(33)).toBe("www-data");
});
