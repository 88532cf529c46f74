import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { machineMark, newInstance, readInstance } from "../../../src/spool/instance.ts";
import { testFolder } from "../../support/folder.ts";

const HERE = "a".repeat(64);
const ELSEWHERE = "b".repeat(64);
const ID = /^[0-9a-f]{12}$/;

const fileIn = (folder: string) => readFile(join(folder, "instance"), "utf8");

test("the id is made once, and is the same at every start on the same machine", async () => {
  const folder = await testFolder();
  const first = await readInstance(folder, HERE);
  expect(first).toEqual({ id: expect.stringMatching(ID) });
  expect(await readInstance(folder, HERE)).toEqual(first);
  expect(await fileIn(folder)).toBe(`${first.id}\nmachine ${HERE}\n`);
  expect(await readdir(folder)).toEqual(["instance"]);
});

test("a state folder that came from another machine gets another id, and says why, once", async () => {
  const folder = await testFolder();
  const there = await readInstance(folder, ELSEWHERE);
  const here = await readInstance(folder, HERE);
  expect(here.id).toMatch(ID);
  expect(here.id).not.toBe(there.id);
  expect(here.renewed).toBe(
    `this state folder, instance id ${there.id}, came from another machine: new instance id ${here.id}`,
  );
  expect(await readInstance(folder, HERE)).toEqual({ id: here.id });
});

test("a file of one line keeps its id, and remembers the machine from then on", async () => {
  const folder = await testFolder();
  await writeFile(join(folder, "instance"), "0123456789ab\n");
  expect(await readInstance(folder, HERE)).toEqual({ id: "0123456789ab" });
  expect((await readInstance(folder, ELSEWHERE)).id).not.toBe("0123456789ab");
});

test("a machine without an id of its own is told from no other", async () => {
  const folder = await testFolder();
  const { id } = await readInstance(folder, "");
  expect(await fileIn(folder)).toBe(`${id}\n`);
  expect(await readInstance(folder, "")).toEqual({ id });
  expect(await readInstance(folder, HERE)).toEqual({ id });
  expect(await readInstance(folder, "")).toEqual({ id });
  expect(await fileIn(folder)).toBe(`${id}\nmachine ${HERE}\n`);
});

test.each([
  ["nothing", ""],
  ["half an id", "0123"],
  ["other text", "0123456789ab\nmachine of mine\n"],
  ["zeros of a disk that lost power", "\0".repeat(13)],
])("a file that holds %s is replaced, and that is told", async (_, text) => {
  const folder = await testFolder();
  await writeFile(join(folder, "instance"), text);
  const { id, renewed } = await readInstance(folder, HERE);
  expect(id).toMatch(ID);
  expect(renewed).toBe(`${join(folder, "instance")} does not hold an instance id: new instance id ${id}`);
  expect(await readInstance(folder, HERE)).toEqual({ id });
});

test("a file that cannot be read is left alone", async () => {
  await expect(readInstance("/dev/null", HERE)).rejects.toThrow("ENOTDIR");
});

test("another id can be taken at any time", async () => {
  const folder = await testFolder();
  const { id } = await readInstance(folder, HERE);
  const taken = await newInstance(folder, HERE);
  expect(taken).not.toBe(id);
  expect(await readInstance(folder, HERE)).toEqual({ id: taken });
});

test("the mark of a machine is a hash of its id; one that has none yet has no mark", async () => {
  const file = join(await testFolder(), "machine-id");
  expect(machineMark(file)).toBe("");
  for (const none of ["", "uninitialized\n"]) {
    await writeFile(file, none);
    expect(machineMark(file)).toBe("");
  }
  await writeFile(file, `${"0a".repeat(16)}\n`);
  const mark = machineMark(file);
  expect(mark).toMatch(/^[0-9a-f]{64}$/);
  await writeFile(file, `${"0b".repeat(16)}\n`);
  expect(machineMark(file)).not.toBe(mark);
});
