/**
 * The fault table, our own disk: failing at any call, no descriptor left, no journal. What cannot be taken is refused
 * with 451 or 452 and never delivered, not after a restart either; what was taken goes out once; all of it heals by
 * itself. A disk that is really full is in fault-table-full-disk.test.ts.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { breakableDisk, type DiskFault, limitDescriptors } from "../support/machine-faults.ts";
import { Relay } from "../support/relay.ts";
import { SmtpClient, submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const named = (subject: string) => ({ data: `Subject: ${subject}\r\n\r\nbody\r\n` });
const subjects = (relay: Relay) => relay.arrived.map(({ subject }) => subject);
const spool = (relay: Relay) => readdir(join(relay.stateDir, "spool"));
const spoolEmpty = (relay: Relay) =>
  until("the spool is empty", async () => (await spool(relay)).length === 0);
const troubles = (relay: Relay, part: string) => relay.events("trouble").filter((line) => line.part === part);

/** Over a kill -9 and a restart; a message of our own shows that what should be there has been looked at. */
async function restarted(relay: Relay): Promise<void> {
  await spoolEmpty(relay); // else the kill could leave one in doubt
  await relay.down("SIGKILL");
  await relay.up();
  expect((await submit(relay.port, named("after the restart"))).code).toBe(250);
  await until("it arrived", () => subjects(relay).includes("after the restart"));
  await spoolEmpty(relay);
}

const REFUSALS: [string, DiskFault, string][] = [
  ["EIO when the file is synced", "datasync /spool/ EIO", "451 4.3.0"],
  ["EIO when the folder is synced", "sync /spool/ EIO", "451 4.3.0"],
  ["EIO when the file is written", "writev /spool/ EIO", "451 4.3.0"],
  ["no quota when the file is written", "writev /spool/ EDQUOT", "452 4.3.1"],
];

test.each(REFUSALS)(
  "%s: refused, nothing is kept, and the next one is taken",
  async (_name, fault, reply) => {
    const disk = await breakableDisk();
    const relay = await Relay.start(disk.hook);
    disk.set(fault);
    for (const subject of ["refused 1", "refused 2"])
      expect((await submit(relay.port, named(subject))).text).toContain(reply);
    expect(await spool(relay)).toEqual([]);
    expect(troubles(relay, "spool")).toHaveLength(2);
    disk.set();
    expect((await submit(relay.port, named("taken"))).code).toBe(250);
    await until("it arrived", () => relay.arrived.length === 1);
    await restarted(relay);
    expect(subjects(relay)).toEqual(["taken", "after the restart"]);
  },
);

test("EIO when the upstream's answer is written down: it waits until it is, and the message goes out once", async () => {
  const disk = await breakableDisk();
  const relay = await Relay.start({ ...disk.hook, fail: ["dot=delay 500ms"] });
  await submit(relay.port, named("once"));
  await until("the upstream has it", () => relay.arrived.length === 1);
  disk.set("datasync /spool/ EIO");
  await until("it cannot be", () => troubles(relay, "spool").length > 0);
  disk.set();
  await until("it is delivered", () => relay.events("delivered").length === 1);
  await restarted(relay);
  expect(subjects(relay)).toEqual(["once", "after the restart"]);
});

test("a journal that cannot be written stops no mail, is told, and goes on by itself", async () => {
  const disk = await breakableDisk();
  const relay = await Relay.start(disk.hook);
  disk.set("appendFile /journal/ EIO");
  for (const subject of ["a", "b"]) expect((await submit(relay.port, named(subject))).code).toBe(250);
  await until("both arrived", () => relay.arrived.length === 2);
  await spoolEmpty(relay);
  expect(troubles(relay, "journal").length).toBeGreaterThan(0);
  disk.set();
  const { id } = await submit(relay.port, named("c"));
  await until("it is in the journal as finished", async () => {
    const folder = join(relay.stateDir, "journal");
    const [day] = await readdir(folder);
    const lines = (await readFile(join(folder, day as string), "utf8")).split("\n");
    return lines.some((line) => line.includes('"finished"') && line.includes(id));
  });
  expect(subjects(relay)).toEqual(["a", "b", "c"]);
});

test("without a descriptor left a message is refused with 451, and mail is taken again when clients go", async () => {
  const relay = await Relay.start();
  await submit(relay.port, named("before"));
  await until("it arrived", () => relay.arrived.length === 1);
  const inTime = await SmtpClient.connect(relay.port);
  await inTime.say("EHLO test");
  const open = await readdir(`/proc/${relay.processId}/fd`);
  await limitDescriptors(relay.processId, open.length + 10);
  const crowd = await Promise.allSettled(Array.from({ length: 60 }, () => SmtpClient.connect(relay.port)));
  const clients = crowd.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  expect(clients.length).toBeGreaterThan(0);
  expect(clients.length).toBeLessThan(60);
  expect((await inTime.send(named("refused"))).text).toContain("451 4.3.0");
  expect(await spool(relay)).toEqual([]);
  expect(relay.events("trouble").length).toBeLessThan(100); // it is told, not screamed
  for (const client of clients) client.destroy();
  await until("mail is taken again", async () => {
    const sent = await submit(relay.port, named("after")).catch(() => ({ code: 0 }));
    return sent.code === 250;
  });
  await until("it arrived", () => relay.arrived.length === 2, 40_000);
  await restarted(relay);
  expect(subjects(relay)).toEqual(["before", "after", "after the restart"]);
  inTime.destroy();
});
