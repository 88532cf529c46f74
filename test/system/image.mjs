/**
 * `npm run test:image`: builds the image and runs compose.yaml's services with podman, against the simulator over TLS.
 *
 * Promises: what runs is what is shipped (the Dockerfile, and the options of compose.yaml); containers, networks, volumes
 * and files of the test are gone afterwards, the cached images under .cache/image stay. Skips aloud where it cannot run.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { run } from "../../scripts/run.mjs";
import { readCompose, runOptions } from "./compose.mjs";
import { buildImage, IMAGE, missingHere, openEngine, podman, podmanMust } from "./engine.mjs";
import { whileSending } from "./load.mjs";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const cache = process.env.SLUICE_IMAGE_CACHE ?? join(root, ".cache", "image");
const USER = 10025;
const GRACE_S = 45;
const SHORT_GRACE_S = 10;

const skip = (await missingHere()) ?? false;
if (skip) console.log(`The image is not tested here: ${skip}`);

let failed = false;
const compose = readCompose(join(root, "compose.yaml"));
const folder = mkdtempSync(join(tmpdir(), "sluice-image-"));
const name = (of) => `sluice-test-${of}`;
/** As it is in the repository. */
const asItIs = { name, folder: root, ports: await freePorts("2525", "8025") };
/** As an operator has it, with a config and a secret of one's own. */
const own = { name, folder, ports: await freePorts("25", "8025") };

before(
  async () => {
    if (skip) return;
    await openEngine(cache);
    cleanUp();
    await podmanMust("network", "create", ...subnetOptions(), name("mail"));
  },
  { timeout: 600_000 },
);
after(() => {
  if (!skip) cleanUp();
  rmSync(folder, { recursive: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.prependListener(signal, cleanUp);

check("the Dockerfile builds", async () => {
  await buildImage(root);
});

check("without clients it refuses to listen to a network, and says what to set", async () => {
  const config = `--volume=${join(root, "config")}:/etc/sluice:ro`;
  const { code, output } = await podman(
    "run",
    "--rm",
    "--no-healthcheck",
    config,
    IMAGE,
    "check",
    "-c",
    "/etc/sluice/try.yaml",
  );
  assert.equal(code, 78, output);
  assert.match(output, /SLUICE_CLIENTS/);
});

check(
  "compose's `try` works as it is: swaks sends through the published port, and it arrives over TLS",
  async () => {
    await start("upstream", asItIs);
    await until(
      "the simulator listens",
      async () => (await healthOf("upstream", compose.services.upstream)) === 0,
    );
    await start("try", asItIs);
    await ready("try");
    const swaks = ["--server", `127.0.0.1:${asItIs.ports[2525]}`, "--from", "cron@app01", "--to", "root"];
    const { code, output } = await run("swaks", [...swaks, "--header", "Subject: first"]);
    assert.equal(code, 0, output);
    await until("it arrives", async () => (await arrived()).includes("first"));
    const probe = await fetch(`http://127.0.0.1:${asItIs.ports[8025]}/readyz`);
    assert.equal(probe.status, 200);
    const doctor = await podman("exec", name("try"), "sluice", "doctor");
    assert.equal(doctor.code, 0, doctor.output);
  },
);

check("it is nobody: no root, no capability, nothing to write but its volume, no zombies", async () => {
  const status = await podmanMust("exec", name("try"), "cat", "/proc/1/status");
  assert.match(status, new RegExp(`^Uid:\\s+${USER}\\s+${USER}`, "m"));
  assert.match(status, /^CapEff:\s+0{16}$/m);
  assert.match(status, /^CapBnd:\s+0{16}$/m);
  assert.match(status, /^NoNewPrivs:\s+1$/m);
  for (const place of ["/app", "/etc/sluice", "/tmp", "/run"])
    assert.notEqual((await podman("exec", name("try"), "touch", `${place}/x`)).code, 0, place);
  assert.equal((await podman("exec", name("try"), "touch", "/var/lib/sluice/x")).code, 0);
  await podmanMust("exec", name("try"), "sh", "-c", "sh -c 'sleep 0.1 & exec true'");
  await until(
    "the orphan is gone",
    async () => !(await podmanMust("top", name("try"), "comm")).includes("sleep"),
  );
});

check("SIGTERM ends it with 0, Redis before it", async () => {
  assert.equal(await stop("try"), 0);
  const { output } = await podman("logs", name("try"));
  assert.match(output.trim().split("\n").at(-1), /"event":"stopped"/);
  assert.ok(!output.includes('"what":"died"'), output);
});

check("SIGTERM while it still loads is heard, too", async () => {
  await podmanMust("start", name("try"));
  assert.notEqual(await stop("try", SHORT_GRACE_S), 137);
});

check("a secret that others can read is refused by name", async () => {
  await writeOwn();
  chmodSync(join(folder, "secrets/portal"), 0o644);
  const { code, output } = await podman("run", "--rm", ...optionsOf("sluice", own), IMAGE);
  chmodSync(join(folder, "secrets/portal"), 0o600);
  assert.equal(code, 78, output);
  assert.match(output, /\/run\/secrets\/portal can be read or changed by others/);
});

/** Subjects of the messages that got their 250. */
const acknowledged = [];

check("with a dead upstream it is ready and takes mail; kill -9 in the middle", async () => {
  await start("sluice", own);
  await ready("sluice");
  const taken = await whileSending({ port: own.ports[25], prefix: "dead" }, async (sofar) => {
    await until("mail is known not to flow", async () => (await healthz()) === 503);
    await until("mail comes in", () => sofar.length >= 100);
    assert.equal(await healthOf("sluice"), 0);
    await podmanMust("kill", "--signal=KILL", name("sluice"));
  });
  acknowledged.push(...taken);
  await podmanMust("rm", name("sluice"));
});

check("a new container on that volume delivers each message that got its 250, once", async () => {
  await startBesideUpstream();
  await until("all of it arrives", async () => missingOf(await arrived()).length === 0);
  const times = countsOf(await arrived());
  assert.deepEqual(
    acknowledged.filter((subject) => times.get(subject) !== 1),
    [],
  );
});

check("SIGTERM while mail comes in: 0 within the grace, and nothing is lost by it", async () => {
  const taken = await whileSending({ port: asItIs.ports[2525], prefix: "live" }, async (sofar) => {
    await until("mail comes in", () => sofar.length >= 100);
    assert.equal(await stop("sluice"), 0);
  });
  acknowledged.push(...taken);
  await podmanMust("rm", name("sluice"));
  await startBesideUpstream();
  await until("all of it arrives", async () => missingOf(await arrived()).length === 0);
});

/** One after the other; what builds on a failed one is not tried. */
function check(sentence, work) {
  test(sentence, { skip, timeout: 600_000 }, async (context) => {
    if (failed) return context.skip("after a failure");
    failed = true;
    await work();
    failed = false;
  });
}

function optionsOf(service, place) {
  // Its timers want systemd: the test asks the same commands itself.
  return ["--no-healthcheck", ...runOptions(compose, service, place)];
}

async function start(service, place) {
  const command = compose.services[service].command ?? [];
  await podmanMust(
    "run",
    "--detach",
    "--name",
    name(service),
    ...optionsOf(service, place),
    IMAGE,
    ...command,
  );
}

/** The service in the simulator's network, where its config says that the upstream is. */
async function startBesideUpstream() {
  const { ports: _, networks: __, ...service } = compose.services.sluice;
  const beside = { ...service, network_mode: "service:upstream" };
  const options = runOptions({ ...compose, services: { sluice: beside } }, "sluice", own);
  await podmanMust("run", "--detach", "--name", name("sluice"), "--no-healthcheck", ...options, IMAGE);
  await ready("sluice");
}

/** Stops it; gives the exit code, 137 when it had to be killed. */
async function stop(service, graceS = GRACE_S) {
  await podmanMust("stop", `--time=${graceS}`, name(service));
  return Number(await podmanMust("inspect", "--format", "{{.State.ExitCode}}", name(service)));
}

async function healthz() {
  return (await fetch(`http://127.0.0.1:${own.ports[8025]}/healthz`)).status;
}

/** What the health check of compose.yaml, or of the image, ends with. */
async function healthOf(service, { healthcheck } = {}) {
  const [, ...command] = healthcheck?.test ?? (await imageHealthcheck());
  return (await podman("exec", name(service), ...command)).code;
}

async function imageHealthcheck() {
  const [{ Config, Healthcheck }] = JSON.parse(await podmanMust("image", "inspect", IMAGE));
  return (Healthcheck ?? Config.Healthcheck).Test;
}

async function ready(service) {
  await until(`${service} is ready`, async () => (await healthOf(service)) === 0);
}

/** A config as docs/container.md has it, and the simulator's password as the secret. */
async function writeOwn() {
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
async function arrived() {
  const { output } = await podman("exec", name("upstream"), "cat", "/var/lib/sluice/arrived.jsonl");
  return output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).subject);
}

function missingOf(subjects) {
  const there = new Set(subjects);
  return acknowledged.filter((subject) => !there.has(subject));
}

function countsOf(subjects) {
  const counts = new Map();
  for (const subject of subjects) counts.set(subject, (counts.get(subject) ?? 0) + 1);
  return counts;
}

async function until(what, condition) {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(100)) if (await condition()) return;
  const logs = spawnSync("podman", ["logs", "--tail=20", name("sluice")], { encoding: "utf8" });
  throw new Error(`Waited a minute: ${what}\n${logs.stdout}`);
}

function subnetOptions() {
  const [{ subnet, gateway }] = compose.networks.mail.ipam.config;
  return [`--subnet=${subnet}`, `--gateway=${gateway}`];
}

/** At once, as a signal wants it. */
function cleanUp() {
  const quietly = (...args) => spawnSync("podman", args, { stdio: "ignore" });
  quietly("rm", "--force", "--ignore", "--time=0", ...["try", "sluice", "upstream"].map(name));
  quietly("network", "rm", name("mail"));
  quietly("volume", "rm", ...Object.keys(compose.volumes).map(name));
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
