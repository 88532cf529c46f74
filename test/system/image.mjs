/**
 * `npm run test:image`: builds the image and runs compose.yaml's services with podman, against the simulator over TLS.
 *
 * Promises: what runs is what is shipped (the Dockerfile, and the options of compose.yaml); containers, networks, volumes
 * and files of the test are gone afterwards, the cached images under .cache/image stay. Skips aloud where it cannot run.
 */
import assert from "node:assert/strict";
import { chmodSync, chownSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { run } from "../../scripts/run.mjs";
import { buildImage, closeEngine, IMAGE, missingHere, openEngine, podman, podmanMust } from "./engine.mjs";
import { whileSending } from "./load.mjs";
import {
  arrived,
  asItIs,
  cleanUp,
  compose,
  folder,
  healthOf,
  healthz,
  makeNetwork,
  name,
  optionsOf,
  own,
  ready,
  root,
  start,
  startBesideUpstream,
  stop,
  USER,
  until,
  writeOwn,
} from "./services.mjs";

const cache = process.env.SLUICE_IMAGE_CACHE ?? join(root, ".cache", "image");
const SHORT_GRACE_S = 10;

const skip = (await missingHere()) ?? false;
if (skip) console.log(`The image is not tested here: ${skip}`);

let failed = false;
before(
  async () => {
    if (skip) return;
    await openEngine(cache);
    cleanUp();
    for (const signal of ["SIGINT", "SIGTERM"]) process.prependListener(signal, endAtOnce);
    await makeNetwork();
  },
  { timeout: 600_000 },
);
after(async () => {
  rmSync(folder, { recursive: true });
  if (skip) return;
  cleanUp();
  const left = await podmanMust("ps", "--all", "--quiet");
  closeEngine(cache);
  assert.equal(left, "", "containers are left");
});

function endAtOnce() {
  cleanUp();
  rmSync(folder, { recursive: true });
}

check("the Dockerfile builds", async () => {
  await buildImage(root);
});

check("without clients it refuses to listen to a network, and says what to set", async () => {
  const options = ["--rm", "--no-healthcheck", "--network=none", `--volume=${root}/config:/etc/sluice:ro`];
  const { code, output } = await podman("run", ...options, IMAGE, "check", "-c", "/etc/sluice/try.yaml");
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

check("SIGHUP reaches it; SIGTERM ends it with 0, Redis in its turn", async () => {
  await podmanMust("kill", "--signal=HUP", name("try"));
  await until("the config is read again", async () => {
    return (await podman("logs", name("try"))).output.includes('"event":"reloaded"');
  });
  assert.equal(await stop("try"), 0);
  const { output } = await podman("logs", name("try"));
  assert.match(output.trim().split("\n").at(-1), /"event":"stopped"/);
  assert.ok(!output.includes('"what":"died"'), output);
});

check("SIGTERM while it still loads is heard, too", async () => {
  await podmanMust("start", name("try"));
  assert.notEqual(await stop("try", SHORT_GRACE_S), 137);
});

check(
  "a secret that others can read is refused by name; one for our group, as Kubernetes has it, is taken",
  async () => {
    await writeOwn();
    const secret = join(folder, "secrets/portal");
    const checkIt = () => podman("run", "--rm", ...optionsOf("sluice", own), IMAGE, "check");
    chmodSync(secret, 0o644);
    const refused = await checkIt();
    assert.equal(refused.code, 78, refused.output);
    assert.match(refused.output, /\/run\/secrets\/portal can be read or changed by others/);
    chownSync(secret, 0, USER);
    chmodSync(secret, 0o440);
    const taken = await checkIt();
    assert.equal(taken.code, 0, taken.output);
    chownSync(secret, USER, USER);
    chmodSync(secret, 0o600);
  },
);

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

function missingOf(subjects) {
  const there = new Set(subjects);
  return acknowledged.filter((subject) => !there.has(subject));
}

function countsOf(subjects) {
  const counts = new Map();
  for (const subject of subjects) counts.set(subject, (counts.get(subject) ?? 0) + 1);
  return counts;
}
