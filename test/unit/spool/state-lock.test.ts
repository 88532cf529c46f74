import { spawn } from "node:child_process";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lockPlace, lockStateDir } from "../../../src/spool/state-lock.ts";
import { testFolder } from "../../support/folder.ts";

test("the second one to lock a state folder is told who has it", async () => {
  const folder = join(await testFolder(), "state");
  const first = await lockStateDir(folder);
  expect(first.ok).toBe(true);
  expect(await lockStateDir(folder)).toEqual({ ok: false, holder: String(process.pid) });
  if (first.ok) await first.release();
  const third = await lockStateDir(folder);
  expect(third.ok).toBe(true);
  if (third.ok) await third.release();
});

test("a child process does not inherit the lock", async () => {
  const folder = await testFolder();
  const first = await lockStateDir(folder);
  const child = spawn("sleep", ["30"], { stdio: "ignore" });
  await new Promise((resolve) => child.once("spawn", resolve));
  if (first.ok) await first.release();
  const second = await lockStateDir(folder);
  expect(second.ok).toBe(true);
  child.kill();
  if (second.ok) await second.release();
});

test("a place is the same for every run in a state folder, and another for a copy of it", async () => {
  const folder = join(await testFolder(), "state");
  const places: string[] = [];
  for (let run = 0; run < 2; run++) {
    const lock = await lockStateDir(folder);
    places.push(lockPlace(folder));
    if (lock.ok) await lock.release();
  }
  expect(places[1]).toBe(places[0]);
  await cp(folder, `${folder}-copy`, { recursive: true });
  expect(lockPlace(`${folder}-copy`)).not.toBe(places[0]);
});
