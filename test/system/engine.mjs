/**
 * Podman and buildah for the test of the image, with storage, networks and settings of their own under one cache folder.
 *
 * Promises: touches no container, image or network of the machine's own; works without systemd, in a virtual machine or a
 * container with fewer rights; images and their layers stay in the cache, so that the second time is quick.
 * Refuses to reach a registry: the base image is made here, of Debian's packages and npm's copy of Node.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { must, run } from "../../scripts/run.mjs";

const PROGRAMS = ["buildah", "podman", "runc", "mmdebstrap", "swaks"];
const NODE = "24";
const BASE = `localhost/sluice-base:node-${NODE}`;
/** What is made here, as the image's build stage and podman know it. */
export const IMAGE = "localhost/sluice:test";

/** Why it cannot be used here; undefined when it can. */
export async function missingHere() {
  if (process.getuid() !== 0) return "needs root: sudo npm run test:image";
  const found = await Promise.all(PROGRAMS.map((program) => run(program, ["--version"])));
  const missing = PROGRAMS.filter((_, index) => found[index].code !== 0);
  if (missing.length > 0) return `needs ${missing.join(", ")}: apt-get install ${missing.join(" ")}`;
  return undefined;
}

/** Has every later call use the cache folder; makes the base image when it is not there. */
export async function openEngine(cache) {
  mkdirSync(cache, { recursive: true });
  const settings = (name, lines) => {
    writeFileSync(join(cache, name), `${lines.join("\n")}\n`);
    return join(cache, name);
  };
  process.env.CONTAINERS_STORAGE_CONF = settings("storage.conf", [
    ...["[storage]", 'driver = "overlay"', `graphroot = "${cache}/graph"`, `runroot = "${cache}/run"`],
  ]);
  process.env.CONTAINERS_REGISTRIES_CONF = settings("registries.conf", [
    "unqualified-search-registries = []",
  ]);
  process.env.CONTAINERS_CONF = settings("containers.conf", [
    // Limits may only go down where the machine is itself a container.
    ...["[containers]", 'default_ulimits = ["nofile=8192:8192", "nproc=4096:4096"]'],
    ...["[engine]", 'cgroup_manager = "cgroupfs"', 'events_logger = "file"', 'runtime = "runc"'],
    ...["[network]", `network_config_dir = "${cache}/networks"`],
  ]);
  const { code } = await run("buildah", ["inspect", "--type", "image", BASE]);
  if (code !== 0) await makeBase(cache);
}

/** Nothing of it stays mounted. */
export function closeEngine(cache) {
  spawnSync("umount", [join(cache, "graph/overlay")], { stdio: "ignore" });
}

/** Builds the Dockerfile in `context` as `IMAGE`. */
export async function buildImage(context) {
  const options = ["--isolation", "chroot", "--format", "docker", "--pull-never", "--layers"];
  await must("building the image", "buildah", [
    ...["bud", ...options, "--build-arg", `NODE_IMAGE=${BASE}`, "--tag", IMAGE, context],
  ]);
}

/** One podman command; resolves with { code, output }. */
export function podman(...args) {
  return run("podman", args);
}

/** The same for what must work; its output without the last line end. */
export async function podmanMust(...args) {
  return (await must("podman", "podman", args)).trimEnd();
}

/** Debian with Node and npm, as the official image is. */
async function makeBase(cache) {
  const tree = join(cache, "base.tar");
  const packages = "ca-certificates,libstdc++6,libatomic1";
  await must("making a Debian", "mmdebstrap", [
    ...["--quiet", "--variant=minbase", `--include=${packages}`, "bookworm", tree],
  ]);
  const container = (await must("buildah", "buildah", ["from", "scratch"])).trim();
  const buildah = (...args) => must("making the base image", "buildah", args);
  await buildah("add", "--quiet", container, tree, "/");
  await buildah("copy", "--quiet", container, await fetchNode(cache), "/usr/local/bin/node");
  await buildah("copy", "--quiet", container, await npmFolder(), "/usr/local/lib/node_modules/npm");
  const authorities = process.env.NODE_EXTRA_CA_CERTS;
  if (authorities) {
    await buildah("copy", "--quiet", container, realpathSync(authorities), "/etc/ssl/extra.pem");
    await buildah("config", "--env", "NODE_EXTRA_CA_CERTS=/etc/ssl/extra.pem", container);
  }
  const finish = [
    "ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm",
    // No package starts a service while it is installed.
    "printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d",
    "chmod 0755 /usr/sbin/policy-rc.d",
  ];
  await buildah("run", "--isolation", "chroot", container, "--", "sh", "-c", finish.join(" && "));
  await buildah("commit", "--quiet", "--rm", container, BASE);
}

/** The program's path. */
async function fetchNode(cache) {
  const folder = join(cache, "node");
  mkdirSync(folder, { recursive: true });
  const name = `node-linux-${process.arch}`;
  await must("getting Node", "npm", ["pack", "--silent", `${name}@${NODE}`, "--pack-destination", folder]);
  const archive = readdirSync(folder).find((file) => file.startsWith(name));
  await must("unpacking Node", "tar", ["-xzf", join(folder, archive), "-C", folder, "package/bin/node"]);
  return join(folder, "package/bin/node");
}

async function npmFolder() {
  const modules = (await must("asking npm", "npm", ["root", "--global", "--silent"]))
    .trim()
    .split("\n")
    .at(-1);
  return realpathSync(join(modules, "npm"));
}
