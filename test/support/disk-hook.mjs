/**
 * A disk that a test can break: `node --import …/disk-hook.mjs dist/main.js run`, with a file in TEST_DISK_FILE that
 * says which calls fail, a line each: the call, a part of the path, the error, as in `datasync /spool/ EIO`.
 *
 * Promises: the file is read anew at each call; a call that is named in it fails with that error, before anything is
 * done; all others do what they do. Knows the calls of open files only: datasync, sync, write, writev, appendFile.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { open } from "node:fs/promises";

const CALLS = ["datasync", "sync", "write", "writev", "appendFile"];
const rules = process.env.TEST_DISK_FILE;

const some = await open(rules, "r");
const prototype = Object.getPrototypeOf(some);
await some.close();

for (const call of CALLS) {
  const real = prototype[call];
  prototype[call] = async function (...args) {
    const code = failureOf(call, this.fd);
    if (code === undefined) return real.apply(this, args);
    throw Object.assign(new Error(`${code}: made up by the test, ${call}`), { code, syscall: call });
  };
}

function failureOf(call, fd) {
  const lines = readFileSync(rules, "utf8").split("\n").filter(Boolean);
  if (lines.length === 0) return undefined;
  const path = `${readlinkSync(`/proc/self/fd/${fd}`)}/`; // a folder ends in it too
  const found = lines
    .map((line) => line.split(" "))
    .find(([name, part]) => name === call && path.includes(part));
  return found?.[2];
}
