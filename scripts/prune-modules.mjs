/**
 * `node scripts/prune-modules.mjs FOLDER`: takes out of a production node_modules what Node on this machine never loads.
 *
 * That is native code for other platforms, TypeScript, C, source maps, and the packages' tests, examples and manuals.
 * Promises: every licence stays; a second run finds nothing; says what it won, in a line.
 * Refuses a folder with development packages in it, which is a person's own: run npm prune --omit=dev first.
 */
import { lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const NEVER_LOADED = /\.([mc]?ts|map|c|cc|cpp|h|hpp|md|markdown)$/i;
const LICENCE = /^(licen[cs]e|copying|notice|copyright)/i;
/** At the top of a package only: deeper, a folder of that name may be part of the program. */
const NOT_THE_PROGRAM = new Set([
  ...["test", "tests", "__tests__", "doc", "docs", "example", "examples", "bench", "benchmark", "benchmarks"],
  ".github",
]);

/** Removes it from `modules`, a node_modules folder; gives the bytes that were won. */
export function pruneModules(modules, host = thisHost()) {
  refuseDevelopment(modules);
  return packagesIn(modules).reduce((bytes, folder) => bytes + prunePackage(folder, host), 0);
}

function thisHost() {
  const { glibcVersionRuntime } = process.report.getReport().header;
  return {
    platform: process.platform,
    arch: process.arch,
    libc: glibcVersionRuntime === undefined ? "musl" : "glibc",
  };
}

function refuseDevelopment(modules) {
  const { packages } = JSON.parse(readFileSync(join(modules, ".package-lock.json"), "utf8"));
  const [name] = Object.entries(packages).find(([, { dev }]) => dev) ?? [];
  if (name !== undefined)
    throw new Error(`Cannot prune ${modules} as ${name} is for development: run npm prune --omit=dev first`);
}

/** The folders of all packages, those inside other packages included. */
function packagesIn(modules) {
  return readdirSync(modules, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .flatMap(({ name }) => {
      const folder = join(modules, name);
      if (name.startsWith("@")) return packagesIn(folder);
      const inner = join(folder, "node_modules");
      return [folder, ...(lstatSync(inner, { throwIfNoEntry: false }) ? packagesIn(inner) : [])];
    });
}

function prunePackage(folder, host) {
  const top = readdirSync(folder).filter((name) => name !== "node_modules");
  return top.reduce((bytes, name) => {
    const path = join(folder, name);
    return bytes + (NOT_THE_PROGRAM.has(name) ? removeTree(path) : prunePath(path, name, host));
  }, 0);
}

function prunePath(path, name, host) {
  const stats = lstatSync(path);
  if (!stats.isDirectory()) {
    const unused = (NEVER_LOADED.test(name) && !LICENCE.test(name)) || isForeign(name, host);
    return unused ? removeTree(path) : 0;
  }
  if (isForeign(name, host)) return removeTree(path);
  const platforms = name === "prebuilds";
  return readdirSync(path).reduce((bytes, inner) => {
    const below = join(path, inner);
    const other = platforms && inner !== `${host.platform}-${host.arch}`;
    return bytes + (other ? removeTree(below) : prunePath(below, inner, host));
  }, 0);
}

/** `musl_x64`, `node.napi.musl.node` where the C library is glibc, and the reverse. */
function isForeign(name, { libc }) {
  return new RegExp(`^${otherLibc(libc)}_|\\.${otherLibc(libc)}\\.node$`).test(name);
}

function otherLibc(libc) {
  return libc === "musl" ? "glibc" : "musl";
}

function removeTree(path) {
  const bytes = bytesOf(path);
  rmSync(path, { recursive: true });
  return bytes;
}

function bytesOf(path) {
  const stats = lstatSync(path);
  if (!stats.isDirectory()) return stats.size;
  return readdirSync(path).reduce((bytes, name) => bytes + bytesOf(join(path, name)), 0);
}

function main([folder]) {
  if (folder === undefined) return fail(64, "usage: node scripts/prune-modules.mjs FOLDER");
  try {
    console.log(`${folder}: ${(pruneModules(folder) / 1e6).toFixed(1)} MB less`);
  } catch (error) {
    fail(1, error.message);
  }
}

function fail(code, message) {
  console.error(message);
  process.exitCode = code;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
