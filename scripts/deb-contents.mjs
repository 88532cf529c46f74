/**
 * What the Debian package carries besides the built program: a Node runtime, and the npm packages needed at run time.
 *
 * Promises: the runtime is the one that packaging/deb/node.json pins, by its checksum; the npm packages are those of
 * the lock file, taken from node_modules and nothing else. Does not write into node_modules.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, join } from "node:path";
import { must, withCleanup } from "./run.mjs";
import { root } from "./setup.mjs";

/** Where npm puts the runtime that it fetched. */
const cache = process.env.SLUICE_CACHE ?? join(root, ".cache");

/** What no program reads at run time: sources, notes, settings of tools, addons for another C library or another runtime. */
const SUPERFLUOUS =
  /^\.|\.musl\.node$|\.bare$|\.(map|md|markdown|html|[cm]?ts|tsbuildinfo|flow|c|cc|h|gyp|gypi|ya?ml|sh)$/i;
const SUPERFLUOUS_FOLDERS = new Set(
  "test tests __tests__ integration benchmark benchmarks example examples docs scripts".split(" "),
);

/** The Node binary and its LICENSE, from npm's package of it. */
export async function addRuntime(home, version, { name, integrity }) {
  const folder = join(cache, "node");
  const archive = join(folder, `${name}-${version}.tgz`);
  if (!existsSync(archive)) {
    mkdirSync(folder, { recursive: true });
    const aside = mkdtempSync(join(folder, "fetch-"));
    await withCleanup(
      () => rmSync(aside, { recursive: true, force: true }),
      async () => {
        await must(`fetching ${name} ${version}`, "npm", [
          ...["pack", "--silent", "--pack-destination", aside, `${name}@${version}`],
        ]);
        renameSync(join(aside, basename(archive)), archive);
      },
    );
  }
  const sum = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
  if (sum !== integrity) {
    rmSync(archive);
    throw new Error(`${name} ${version} is not what packaging/deb/node.json pins: its checksum is ${sum}.`);
  }
  const unpack = (depth, path) =>
    must("unpacking Node", "tar", ["-xzf", archive, "-C", home, `--strip-components=${depth}`, path]);
  await unpack(2, "package/bin/node");
  await unpack(1, "package/LICENSE");
  chmodSync(join(home, "node"), 0o755);
}

/** The packages of the lock file that are needed at run time, as they are installed here; those of other platforms are not. */
export function addModules(home, architecture) {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const needed = Object.entries(packages).filter(
    ([path, { dev, devOptional }]) => path !== "" && !dev && !devOptional,
  );
  for (const [path, { optional, version }] of needed) {
    const from = join(root, path);
    if (!existsSync(from)) {
      if (optional) continue;
      throw new Error(`${path} is not installed: run npm ci.`);
    }
    const installed = JSON.parse(readFileSync(join(from, "package.json"), "utf8")).version;
    if (installed !== version)
      throw new Error(`${path} is ${installed} and not ${version}, as the lock says: run npm ci.`);
    copyModule(from, join(home, path));
  }
  const addons = join(home, "node_modules", "fs-native-extensions", "prebuilds");
  const ours = { amd64: "linux-x64", arm64: "linux-arm64" }[architecture];
  for (const name of readdirSync(addons)) if (name !== ours) rmSync(join(addons, name), { recursive: true });
}

function copyModule(from, to) {
  cpSync(from, to, {
    recursive: true,
    dereference: true,
    filter: (path) => {
      const [top, ...rest] = path.slice(from.length + 1).split("/");
      const isFolder = statSync(path).isDirectory();
      if (top === "node_modules" || (rest.length === 0 && isFolder && SUPERFLUOUS_FOLDERS.has(top)))
        return false;
      if (isFolder) return !/^\.|^musl_/.test(basename(path));
      return /licen[sc]e|notice/i.test(basename(path)) || !SUPERFLUOUS.test(basename(path));
    },
  });
}
