/** One file that cannot be opened (EISDIR here; EACCES, EIO the same) must not stop the others. */
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const subject = (n: number) => ({ data: `Subject: m${n}\r\n\r\nbody\r\n` });

async function withOneUnreadable(): Promise<Relay> {
  const relay = await Relay.start({ fail: ["connect=drop"] });
  for (let n = 0; n < 4; n++) await submit(relay.port, subject(n));
  await until("queued", () => relay.events("breaker-opened")[0]);
  await relay.down();
  const spool = join(relay.stateDir, "spool");
  const [first] = (await readdir(spool)).sort();
  await rename(join(spool, first as string), join(relay.folder, "aside"));
  await mkdir(join(spool, first as string));
  relay.setFaults();
  return relay;
}

test("a spool file that cannot be opened does not stop the queue (Redis kept)", async () => {
  const relay = await withOneUnreadable();
  await relay.up();
  await until("the other three arrived", () => relay.arrived.length >= 3, 20_000).catch((e) => {
    throw new Error(
      `${e.message}: ${relay.arrived.length} arrived, ${relay.sandbox.sessions.length} upstream sessions, trouble ${JSON.stringify(relay.events("trouble").at(-1))}`,
    );
  });
});

test("a spool file that cannot be opened does not stop recovery (Redis lost)", async () => {
  const relay = await withOneUnreadable();
  await rm(join(relay.stateDir, "redis"), { recursive: true });
  await relay.up();
  await until("the other three arrived", () => relay.arrived.length >= 3, 20_000).catch((e) => {
    throw new Error(
      `${e.message}: ${relay.arrived.length} arrived, trouble ${JSON.stringify(relay.events("trouble").at(-1))}`,
    );
  });
});

test("a corrupt message is visible in the queue", async () => {
  const relay = await Relay.start({ fail: ["connect=drop"] });
  const { id } = await submit(relay.port, subject(0));
  const { writeFile } = await import("node:fs/promises");
  await writeFile(join(relay.stateDir, "spool", id), "rubbish\n");
  relay.setFaults();
  await until("it is found out", () => relay.events("trouble").find((line) => line.id === id));
  const rows = JSON.parse((await relay.command("queue", "--json")).stdout) as { id: string }[];
  expect(rows.map((row) => row.id)).toEqual([id]);
});
