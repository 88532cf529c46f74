/**
 * What a test breaks in the machine as the program sees it: calls of its disk (disk-hook.mjs), names that it looks up
 * (name-hook.mjs), descriptors that it may open. Each is set while the program runs, and mended again.
 */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { testFolder } from "./folder.ts";
import { type Hook, importing } from "./relay-hooks.ts";

/** `datasync /spool/ EIO`: the call, a part of the path, the error. */
export type DiskFault = `${"datasync" | "sync" | "write" | "writev" | "appendFile"} ${string} ${string}`;

/** A disk whose calls can fail; `hook` goes into the options of a relay. */
export async function breakableDisk() {
  const file = join(await testFolder(), "disk");
  const set = (...faults: DiskFault[]) => writeFileSync(file, faults.join("\n"));
  set();
  return { hook: hook("disk-hook.mjs", { TEST_DISK_FILE: file }), set };
}

/** What the program finds when it looks up names: `localhost 127.0.0.1`, `localhost EAI_AGAIN`. */
export async function changeableNames(...names: string[]) {
  const file = join(await testFolder(), "names");
  const set = (...lines: string[]) => writeFileSync(file, lines.join("\n"));
  set(...names);
  const looked = () => readFile(`${file}.seen`, "utf8").catch(() => "");
  return {
    hook: hook("name-hook.mjs", { TEST_NAMES_FILE: file }),
    set,
    /** What the lookups so far were told. */
    seen: async () => (await looked()).split("\n").filter(Boolean),
  };
}

/** How many descriptors a running process may have; those that are open stay open. */
export async function limitDescriptors(processId: number, soft: number): Promise<void> {
  await promisify(execFile)("prlimit", [`--pid=${processId}`, `--nofile=${soft}:`]);
}

function hook(name: string, env: Record<string, string>): Hook {
  return { nodeOptions: importing(name), env };
}
