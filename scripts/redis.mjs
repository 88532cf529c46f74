/**
 * A Redis server for the project: the one on PATH, else the distribution's package, downloaded and unpacked under
 * `.cache/redis`. Nothing is installed, nothing needs root, no service is left behind.
 *
 * Promises: an interrupted download leaves no broken cache (unpacked aside, tried, renamed); a copy that stopped
 * working is fetched again. Where there is no package source, refuses with one sentence that names the command.
 */
import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { must, run, withCleanup } from "./run.mjs";

const SERVERS = ["redis-server", "valkey-server"];
const DOWNLOAD_MS = 300_000;
const LEFTOVER_MS = 3600_000;
const COMMANDS = [
  ["apt-get", "sudo apt-get install redis-server"],
  ["dnf", "sudo dnf install redis"],
  ["zypper", "sudo zypper install redis"],
  ["apk", "sudo apk add redis"],
  ["pacman", "sudo pacman -S redis"],
  ["brew", "brew install redis"],
];

/** Sees to it that children of this process find a Redis server on PATH. `cache` is the project's cache folder. */
export async function provideRedis(cache, say) {
  if (SERVERS.some(onPath)) return;
  const home = join(cache, "redis");
  const bin = join(home, "bin");
  if (!(await works(home))) {
    if (!["apt-get", "dpkg"].every(onPath)) throw new Error(advice("There is no apt-get."));
    say("getting Redis from the distribution's packages (unpacked under .cache, not installed)…");
    try {
      await unpack(cache, home);
    } catch (error) {
      throw new Error(advice(error.message));
    }
  }
  process.env.PATH = `${bin}${delimiter}${process.env.PATH}`;
}

function advice(why) {
  const [, command] = COMMANDS.find(([manager]) => onPath(manager)) ?? [];
  const how = command === undefined ? "install the package redis or valkey" : `run \`${command}\``;
  return `There is no redis-server or valkey-server on PATH, and none can be fetched here: ${how}, then repeat this command.\n(${why})`;
}

function onPath(program) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false; // not there, or not for us
    }
  });
}

async function works(home) {
  return (await run(join(home, "bin", "redis-server"), ["--version"])).code === 0;
}

async function unpack(cache, home) {
  mkdirSync(cache, { recursive: true });
  removeLeftovers(cache);
  const aside = mkdtempSync(join(cache, "redis-"));
  await withCleanup(
    () => rmSync(aside, { recursive: true, force: true }),
    async () => {
      const apt = await ownLists(aside);
      const debs = join(aside, "debs");
      mkdirSync(debs);
      await must("the download", "apt-get", [...apt, "download", ...(await packages(apt))], {
        cwd: debs,
        timeoutMs: DOWNLOAD_MS,
      });
      const copy = join(aside, "copy");
      mkdirSync(copy);
      for (const deb of readdirSync(debs))
        await must("unpacking", "dpkg", ["-x", join(debs, deb), join(copy, "root")]);
      writeWrapper(copy);
      await must("the first start of Redis", join(copy, "bin", "redis-server"), ["--version"]);
      rmSync(home, { recursive: true, force: true }); // broken, or it would not be fetched anew
      try {
        renameSync(copy, home);
      } catch (error) {
        if (!(await works(home))) throw error; // another set-up was faster
      }
    },
  );
}

/** What a set-up that was killed an hour ago or more left behind. */
function removeLeftovers(cache) {
  for (const name of readdirSync(cache).filter((name) => name.startsWith("redis-"))) {
    const path = join(cache, name);
    if (statSync(path).mtimeMs < Date.now() - LEFTOVER_MS) rmSync(path, { recursive: true, force: true });
  }
}

/** Reads the machine's package sources into lists of our own; the options that make apt-get use them. */
async function ownLists(aside) {
  const lists = join(aside, "lists");
  const cache = join(aside, "apt");
  mkdirSync(join(lists, "partial"), { recursive: true });
  mkdirSync(join(cache, "archives", "partial"), { recursive: true });
  const settings = [
    `Dir::State::lists=${lists}`,
    `Dir::Cache=${cache}`,
    ...["APT::Sandbox::User=", "Debug::NoLocking=1", "Acquire::http::Timeout=20", "Acquire::Retries=2"],
    "Acquire::Languages=none",
  ];
  const apt = ["-qq", ...settings.flatMap((setting) => ["-o", setting])];
  // One source that cannot be read must not stop us: the download says what is missing.
  await run("apt-get", [...apt, "update"], { timeoutMs: DOWNLOAD_MS });
  return apt;
}

/** What installing redis-server would add to this machine: itself and the libraries that are missing. */
async function packages(apt) {
  const plan = await must("asking the package sources for redis-server", "apt-get", [
    ...[...apt, "-s", "--no-install-recommends", "install", "redis-server"],
  ]);
  // `Inst NAME (VERSION …)` is new; `Inst NAME [OLD] (NEW …)` would replace what the system itself runs on.
  const missing = [...plan.matchAll(/^Inst (\S+) \(/gm)].map(([, name]) => name);
  // Even where redis-tools is installed: the server is a link to a file of that package.
  return [...new Set(["redis-server", "redis-tools", ...missing])];
}

function writeWrapper(copy) {
  const lib = join(copy, "root", "usr", "lib");
  const folders = readdirSync(lib).filter(
    (name) => name.endsWith("-linux-gnu") || name.includes("-linux-gnu"),
  );
  const paths = folders.map((name) => `$root/usr/lib/${name}:$root/lib/${name}`).join(":");
  const wrapper = [
    "#!/bin/sh",
    "# Runs the privately unpacked Redis with its own libraries.",
    `root=$(cd "$(dirname "$0")/../root" && pwd)`,
    `LD_LIBRARY_PATH="${paths}" exec "$root/usr/bin/redis-server" "$@"`,
    "",
  ].join("\n");
  mkdirSync(join(copy, "bin"));
  writeFileSync(join(copy, "bin", "redis-server"), wrapper);
  chmodSync(join(copy, "bin", "redis-server"), 0o755);
}
