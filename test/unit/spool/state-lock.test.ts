import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lockStateDir } from "../../../src/spool/state-lock.ts";
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
