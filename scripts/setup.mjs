/**
 * What `npm start` and `npm test` need on a fresh machine: npm packages, a Redis server, the built program.
 *
 * Promises: does only what is missing, so the second time takes well under a second; says what it does, a line each;
 * installs nothing on the machine. Uses only what comes with Node: it runs before there are npm packages.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { provideRedis } from "./redis.mjs";
import { must, releaseSignals, run } from "./run.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const say = (line) => console.error(`sluice: ${line}`);

/** Makes everything ready, or ends the process with the reason. */
export async function setUp() {
  try {
    await providePackages();
    await provideRedis(join(root, ".cache"), say);
    await provideBuild();
  } catch (error) {
    say(error.message);
    process.exit(1);
  }
  releaseSignals();
}

async function providePackages() {
  // npm writes this file last, so it also tells an installation that was interrupted.
  const installed = modifiedMs("node_modules/.package-lock.json");
  if (installed >= modifiedMs("package-lock.json")) return;
  say("installing npm packages…");
  const options = ["--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  const { code, output } = await run("npm", ["ci", ...options], { cwd: root });
  if (code === 0) return;
  // A lock file that was written where the registry lacks other platforms' packages is refused by npm ci.
  if (!output.includes("code EUSAGE")) throw new Error(`Installing npm packages failed.\n${output.trim()}`);
  say("package-lock.json is not complete: trying npm install instead of npm ci…");
  await must("installing npm packages", "npm", ["install", "--no-save", ...options], { cwd: root });
}

function modifiedMs(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

async function provideBuild() {
  const stamp = join(root, "dist", ".built-from");
  const now = sourceState();
  if (readIfThere(stamp) === now) return;
  say("building…");
  rmSync(join(root, "dist"), { recursive: true, force: true });
  await must("the build", "npm", ["run", "--silent", "build"], { cwd: root });
  writeFileSync(stamp, now);
}

/** Changes when a source file is changed, added or removed. */
function sourceState() {
  const hash = createHash("sha256");
  const sources = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const path of [
    ...sources,
    ...["package.json", "tsconfig.json", "tsconfig.build.json"].map((f) => join(root, f)),
  ]) {
    const { mtimeMs, size } = statSync(path);
    hash.update(`${path}\0${mtimeMs}\0${size}\n`);
  }
  return hash.digest("hex");
}

function readIfThere(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setUp();
