/**
 * The fault table, a full disk of our own: a small file system in memory in the place of the state folder, really full.
 * It needs root, to mount it; elsewhere it is skipped and says so, but never in CI.
 */
import { execFile } from "node:child_process";
import { mkdir, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { testFolder } from "../support/folder.ts";
import { Relay } from "../support/relay.ts";
import { SmtpClient, submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const run = promisify(execFile);
const SIZE = "24m";
/** More than a page: what is written down of the attempt needs room that a full disk does not have. */
const MANY = Array.from({ length: 40 }, (_, n) => `recipient-number-${n}@example.org`);

const named = (subject: string) => ({ data: `Subject: ${subject}\r\n\r\nbody\r\n` });

function spoolEmpty(relay: Relay) {
  return until("the spool is empty", async () => (await readdir(join(relay.stateDir, "spool"))).length === 0);
}

async function mountSmall(folder: string): Promise<void> {
  await run("mount", ["-t", "tmpfs", "-o", `size=${SIZE},mode=0700`, "tmpfs", folder]);
  onTestFinished(async () => void (await run("umount", ["-l", folder])));
}

/** Why a file system cannot be mounted here, if so. */
async function obstacle(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "it needs root to mount a small file system";
  const folder = await testFolder();
  try {
    await run("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]);
    await run("umount", [folder]);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Takes all the room there is; gives the function that gives it back. */
async function fill(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, "filler");
  const file = await open(path, "w");
  const page = Buffer.alloc(4096, 1);
  try {
    for (;;) await file.appendFile(page);
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC");
  } finally {
    await file.close();
  }
  return () => rm(path);
}

test("a full disk: 452 at the dot and then at MAIL, nothing is kept or repeated, and all goes on when there is room", async (context) => {
  const why = await obstacle();
  if (why !== undefined) {
    if (process.env.CI) throw new Error(`Cannot test a full disk: ${why}`);
    console.warn(`SKIPPED, a full disk: ${why}`);
    return context.skip(why);
  }
  const relay = await Relay.prepare({ config: "limits: { freeDisk: 1MB }" });
  await mkdir(relay.stateDir, { mode: 0o700 });
  await mountSmall(relay.stateDir);
  onTestFinished(async () => void (await relay.down()));
  await relay.up();
  await until("the queue is ready", () => relay.events("recovered").length > 0);

  const client = await SmtpClient.connect(relay.port);
  for (const command of ["EHLO test", "MAIL FROM:<app@lab.example>", "RCPT TO:<bob@example.org>", "DATA"])
    expect(await client.say(command)).toMatch(/^[23]/);
  relay.setFaults("dot#1=delay 4s"); // long enough to fill the disk, on a busy machine too
  await submit(relay.port, { ...named("in a session"), to: MANY });
  await until("the upstream has it", () => relay.arrived.length === 1);

  const makeRoom = await fill(relay.stateDir);
  expect(await client.say("Subject: refused\r\n\r\nbody\r\n.")).toContain("452 4.3.1");
  await until("MAIL is refused", async () => /^452 4\.3\.1.*freeDisk/.test((await submit(relay.port)).text));
  await until("its outcome cannot be written down", () =>
    relay.events("trouble").some(({ reason }) => /cannot write down.*ENOSPC/.test(String(reason))),
  );
  await makeRoom();

  await until("there is room", async () => (await submit(relay.port, named("after"))).code === 250);
  await until("it arrived", () => relay.arrived.length === 2, 60_000);
  await spoolEmpty(relay);
  await relay.down("SIGKILL");
  await relay.up();
  expect((await submit(relay.port, named("after the restart"))).code).toBe(250);
  await until("it arrived", () => relay.arrived.length === 3, 60_000);
  await spoolEmpty(relay);
  expect(relay.arrived.map(({ subject }) => subject)).toEqual(["in a session", "after", "after the restart"]);
  client.destroy();
});
