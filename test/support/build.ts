/** Builds the program once before the tests that run it as a process. */
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";

/** Where package.json is: vitest and the bench are started there. */
export const ROOT = process.cwd();
export const MAIN = resolve(ROOT, "dist/main.js");

export default function setup(): void {
  execFileSync("npm", ["run", "-s", "build"], { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
}
