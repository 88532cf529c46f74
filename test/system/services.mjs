/**
 * The services of compose.yaml as containers of the test: started, asked, stopped, removed.
 *
 * Promises: options come from compose.yaml, only names and the ports on this machine are the test's.
 */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readCompose, runOptions } from "./compose.mjs";
import { IMAGE, podman, podmanMust } from "./engine.mjs";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** The image's. */
export const USER = 10025;
const GRACE_S = 45;

export const compose = readCompose(join(root, "compose.yaml"));
/** For the test's own config and secret. */
export const folder = mkdtempSync(join(tmpdir(), "sluice-image-"));
/** What it is called among the containers, networks and volumes. */
export const name = (of) => `sluice-test-${of}`;
/** As it is in the repository. */
export const asItIs = { name, folder: root, ports: await freePorts("2525", "8025") };
/** As an operator has it, with a config and a secret of one's own. */
export const own = { name, folder, ports: await freePorts("25", "8025") };

export function optionsOf(service, place) {
  // Its timers want systemd: the test asks the same commands itself.
  return ["--no-healthcheck", ...runOptions(compose, service, place)];
}

export async function start(service, place) {
  const command = compose.services[service].command ?? [];
  await runDetached(service, [...optionsOf(service, place), IMAGE, ...command]);
}

/** The service in the simulator's network, where its config says that the upstream is. */
export async function startBesideUpstream() {
  const { ports: _, networks: __, ...service } = compose.services.sluice;
  const beside = { ...service, network_mode: "service:upstream" };
  const options = runOptions({ ...compose, services: { sluice: beside } }, "sluice", own);
  await runDetached("sluice", ["--no-healthcheck", ...options, IMAGE]);
  await ready("sluice");
}

async function runDetached(service, options) {
  await podmanMust("run", "--detach", "--name", name(service), ...options);
}

/** Stops it; gives the exit code, 137 when it had to be killed. */
export async function stop(service, graceS = GRACE_S) {
  await podmanMust("stop", `--time=${graceS}`, name(service));
  return Number(await podmanMust("inspect", "--format", "{{.State.ExitCode}}", name(service)));
}

export async function healthz() {
  return (await fetch(`http://127.0.0.1:${own.ports[8025]}/healthz`)).status;
}

/** What the health check of compose.yaml, or of the image, ends with. */
export async function healthOf(service, { healthcheck } = {}) {
  const [, ...command] = healthcheck?.test ?? (await imageHealthcheck());
  return (await podman("exec", name(service), ...command)).code;
}

async function imageHealthcheck() {
  const [{ Config, Healthcheck }] = JSON.parse(await podmanMust("image", "inspect", IMAGE));
  return (Healthcheck ?? Config.Healthcheck).Test;
}

export async function ready(service) {
  await until(`${service} is ready`, async () => (await healthOf(service)) === 0);
}

/** A config as docs/container.md has it, and the simulator's password as the secret. */
export async function writeOwn() {
  for (const inner of ["config", "secrets"]) mkdirSync(join(folder, inner), { recursive: true });
  chmodSync(folder, 0o755);
  const ofUpstream = (file) => podmanMust("exec", name("upstream"), "cat", `/var/lib/sluice/${file}`);
  writeFileSync(join(folder, "config/ca.pem"), await ofUpstream("ca.pem"));
  const config = [
    "hostname: app01.lab.example",
    'upstream: { hosts: ["127.0.0.1"], port: 2587, caFile: ca.pem }',
    "accounts:",
    "  - { name: portal, username: sandbox, passwordFile: /run/secrets/portal, senders: [app@lab.example], pace: unlimited }",
  ];
  writeFileSync(join(folder, "config/sluice.yaml"), config.join("\n"));
  writeFileSync(join(folder, "secrets/portal"), await ofUpstream("password"), { mode: 0o600 });
  chownSync(join(folder, "secrets/portal"), USER, USER);
}

/** The subjects of all that arrived. */
export async function arrived() {
  const { output } = await podman("exec", name("upstream"), "cat", "/var/lib/sluice/arrived.jsonl");
  const lines = output.split("\n").slice(0, -1); // the last one is empty, or not yet whole
  return lines.map((line) => JSON.parse(line).subject);
}

export async function until(what, condition) {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(100)) if (await condition()) return;
  const logs = spawnSync("podman", ["logs", "--tail=20", name("sluice")], { encoding: "utf8" });
  throw new Error(`Waited a minute: ${what}\n${logs.stdout}`);
}

export async function makeNetwork() {
  const [{ subnet, gateway }] = compose.networks.mail.ipam.config;
  await podmanMust("network", "create", `--subnet=${subnet}`, `--gateway=${gateway}`, name("mail"));
}

/** At once, as a signal wants it. */
export function cleanUp() {
  const remove = (...args) => spawnSync("podman", args, { stdio: "ignore" });
  const removeContainers = (...of) => remove("rm", "--force", "--ignore", "--time=0", ...of.map(name));
  removeContainers("try", "sluice");
  removeContainers("upstream"); // the others were in its network
  remove("network", "rm", name("mail"));
  for (const volume of Object.keys(compose.volumes)) remove("volume", "rm", name(volume));
}

/** A free port of this machine for each one that compose.yaml names. */
async function freePorts(...published) {
  const free = published.map(async (port) => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port: found } = server.address();
    server.close();
    await once(server, "close");
    return [port, found];
  });
  return Object.fromEntries(await Promise.all(free));
}
