import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { EmbeddedRedis } from "../../src/queue/embedded-redis.ts";
import { instanceKey } from "../../src/queue/ownership.ts";
import { machineMark } from "../../src/spool/instance.ts";
import { testFolder } from "../support/folder.ts";
import { connectedTo } from "../support/redis.ts";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

/** Far less than a lease lasts. */
const FEW_SECONDS_MS = 10_000;

/** A Redis that agents share: the line of their configs, and where it listens. */
async function sharedRedis(): Promise<{ redis: string; socket: string }> {
  const folder = await testFolder();
  const socket = join(folder, "shared.sock");
  const server = await EmbeddedRedis.start({ folder, socket, maxMemoryBytes: 64 << 20, report: () => {} });
  onTestFinished(() => server.stop());
  return { redis: `redis: "unix://${socket}"`, socket };
}

async function submitMany(relay: Relay, subjects: readonly string[]): Promise<void> {
  const sent = subjects.map((subject) => submit(relay.port, { data: `Subject: ${subject}\r\n\r\nbody\r\n` }));
  expect((await Promise.all(sent)).map(({ code }) => code)).toEqual(subjects.map(() => 250));
}

async function arrivedOnce(relay: Relay, subjects: readonly string[], limitMs?: number): Promise<void> {
  await until("all arrived", () => relay.arrived.length >= subjects.length, limitMs);
  await until("the spool is empty", async () => (await readdir(join(relay.stateDir, "spool"))).length === 0);
  expect(relay.arrived.map(({ subject }) => subject).sort()).toEqual([...subjects].sort());
}

/** The id that the agent said it works under, at its latest start. */
const startedAs = (relay: Relay) => String(relay.events("started").at(-1)?.instance);
const troubleOf = (relay: Relay, part: string) =>
  relay.events("trouble").filter((event) => event.part === part);
const names = (relay: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => `${relay}${from + n}`);

/** Clones the stopped `original`: all its state but its mail. */
async function cloneOf(original: Relay, redis: string): Promise<Relay> {
  const clone = await Relay.prepare({ redis });
  const filter = (path: string) => basename(path) !== "spool";
  await cp(original.stateDir, clone.stateDir, { recursive: true, filter });
  return clone;
}

test("a machine and its clone on one Redis deliver their own mail, all of it, and park none", async () => {
  const { redis } = await sharedRedis();
  const original = await Relay.start({ redis });
  await submitMany(original, names("a", 0, 3));
  await arrivedOnce(original, names("a", 0, 3));
  await original.down();
  const clone = await cloneOf(original, redis);

  await original.up();
  await until("the original has its lease", () => original.events("recovered").length > 1);
  await clone.up();
  expect(startedAs(clone)).toBe(startedAs(original));
  await Promise.all([submitMany(original, names("a", 3, 33)), submitMany(clone, names("b", 0, 30))]);
  await Promise.all([arrivedOnce(original, names("a", 0, 33)), arrivedOnce(clone, names("b", 0, 30))]);
  await submitMany(clone, names("b", 30, 40));
  await arrivedOnce(clone, names("b", 0, 40));

  for (const relay of [original, clone]) {
    expect(troubleOf(relay, "spool")).toEqual([]);
    expect(relay.events("recovered").map(({ parked }) => parked)).not.toContain(1);
  }
  expect(troubleOf(original, "instance")).toEqual([]);
  expect(troubleOf(clone, "instance")).toMatchObject([
    { level: "error", reason: expect.stringContaining(`our instance id ${startedAs(clone)} in this Redis`) },
  ]);
  const former = startedAs(clone);
  await clone.down();
  await clone.up();
  expect(startedAs(clone)).not.toBe(former);
  await submitMany(clone, ["c"]);
  await arrivedOnce(clone, [...names("b", 0, 40), "c"], FEW_SECONDS_MS);
  expect(troubleOf(clone, "instance")).toHaveLength(1);
});

test("after kill -9 with an external Redis delivery goes on at once: nobody waits for the dead one's lease", async () => {
  const relay = await Relay.start({ ...(await sharedRedis()), fail: ["connect=drop"] });
  await submitMany(relay, names("m", 0, 5));
  await until("the queues are ours", () => relay.events("recovered").length > 0);
  await relay.kill("agent");
  relay.setFaults();
  await relay.up();
  await arrivedOnce(relay, names("m", 0, 5), FEW_SECONDS_MS);
  expect(new Set(relay.events("started").map(({ instance }) => instance)).size).toBe(1);
  expect(relay.events("redis").map(({ what }) => what)).not.toContain("waiting");
});

test("while a lease of somebody else is waited for, mail is taken, and the agent can be stopped", async () => {
  const { redis } = await sharedRedis();
  const original = await Relay.start({ redis });
  await until("the queues are ours", () => original.events("recovered").length > 0);
  const clone = await Relay.prepare({ redis });
  await mkdir(clone.stateDir);
  await cp(join(original.stateDir, "instance"), join(clone.stateDir, "instance"));
  await original.kill("agent"); // its lease goes on for a while
  await clone.up();
  await until("it waits", () => clone.events("redis").some(({ what }) => what === "waiting"));
  await submitMany(clone, names("m", 0, 5));
  expect(clone.arrived).toHaveLength(0);
  expect(await clone.down()).toBe(0);
  await clone.up();
  await arrivedOnce(clone, names("m", 0, 5), 60_000);
  expect(troubleOf(clone, "instance")).toEqual([]);
});

test("an agent whose lease somebody else has got goes on under another id, with all its mail", async () => {
  const { redis, socket } = await sharedRedis();
  const relay = await Relay.start({ redis, fail: ["connect=drop"] });
  await submitMany(relay, names("m", 0, 5));
  await until("the queues are ours", () => relay.events("recovered").length > 0);
  const client = await connectedTo(socket);
  onTestFinished(() => client.disconnect());
  const key = instanceKey(startedAs(relay), "owner");
  await client.set(key, "a clone that came first after a flush");
  await until("it has left", () => troubleOf(relay, "instance").length > 0);
  await until("it is recovered", () => relay.events("recovered").length > 1);
  expect(relay.events("recovered")[1]).toMatchObject({ reason: "the queues have other names", requeued: 5 });
  relay.setFaults();
  await submitMany(relay, names("m", 5, 10));
  await arrivedOnce(relay, names("m", 0, 10));
  expect(await client.get(key)).toContain("a clone");
});

test.skipIf(machineMark() === "")(
  "a state folder from another machine gets a new instance id, and its mail is queued under the new names",
  async () => {
    const relay = await Relay.start({ ...(await sharedRedis()), fail: ["connect=drop"] });
    await submitMany(relay, names("m", 0, 5));
    await until("the queues are ours", () => relay.events("recovered").length > 0);
    await relay.down();
    const former = startedAs(relay);
    await writeFile(join(relay.stateDir, "instance"), `${former}\nmachine ${"0".repeat(64)}\n`);
    relay.setFaults();
    await relay.up();
    await arrivedOnce(relay, names("m", 0, 5), FEW_SECONDS_MS);
    expect(startedAs(relay)).not.toBe(former);
    expect(troubleOf(relay, "instance")).toMatchObject([
      { level: "warn", reason: expect.stringContaining(`${former}, came from another machine`) },
    ]);
  },
);

test("a host that was renamed keeps its instance id and its queue", async () => {
  const hook = `import os from "node:os"; import { syncBuiltinESMExports } from "node:module";
    os.hostname = () => process.env.TEST_HOST_NAME; syncBuiltinESMExports();`;
  const env = { TEST_HOST_NAME: "app01" };
  const nodeOptions = ["--import", `data:text/javascript,${encodeURIComponent(hook)}`];
  const relay = await Relay.start({ env, nodeOptions, fail: ["rcpt=451 4.7.1 later"] });
  await submitMany(relay, ["m"]);
  await until("it was tried", () => relay.events("deferred").length > 0);
  await relay.down();
  const file = await readFile(join(relay.stateDir, "instance"), "utf8");
  env.TEST_HOST_NAME = "app02";
  relay.setFaults();
  await relay.up();
  await until("it is recovered", () => relay.events("recovered").length > 1);
  expect(relay.events("recovered").at(-1)).toMatchObject({ requeued: 0, parked: 0 }); // its job was there
  expect(await readFile(join(relay.stateDir, "instance"), "utf8")).toBe(file);
  expect(startedAs(relay)).toBe(String(relay.events("started")[0]?.instance));
});
