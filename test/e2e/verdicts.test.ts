import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Queue } from "bullmq";
import { expect, test } from "vitest";
import type { QueueDetail, QueueRow } from "../../src/control/queue-view.ts";
import { connectedTo } from "../support/redis.ts";
import { Relay } from "../support/relay.ts";
import { PASSWORD } from "../support/relay-process.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const QUICK = "retry: { first: 1s, max: 2s, expireAfter: 4d }";

async function rows(relay: Relay): Promise<QueueRow[]> {
  return JSON.parse((await relay.command("queue", "list", "--json")).stdout);
}

async function oneRow(relay: Relay, state: QueueRow["state"]): Promise<QueueRow> {
  return until(`one message is ${state}`, async () => (await rows(relay)).find((row) => row.state === state));
}

test("a message that is deferred waits, says why, and is delivered later", async () => {
  const relay = await Relay.start({ config: QUICK, fail: ["rcpt#1-2=451 4.7.1 greylisted, come back"] });
  await submit(relay.port);
  const row = await oneRow(relay, "deferred");
  expect(row).toMatchObject({
    account: "portal",
    sender: "app@lab.example",
    recipients: ["bob@example.org"],
  });
  expect(row.reason).toContain("451 4.7.1 greylisted");
  expect(Date.parse(row.nextAttempt ?? "")).toBeGreaterThan(Date.now() - 3000);
  await until("it arrived", () => relay.arrived.length === 1);
  expect(relay.events("deferred")).toHaveLength(2);
  expect(relay.events("deferred")[0]).toMatchObject({ reply: { code: 451 } });
});

test("of several recipients each gets what the upstream said of it, and nobody gets the message twice", async () => {
  const relay = await Relay.start({
    config: `${QUICK}\nnotices: { failure: none }`,
    fail: ["rcpt:later@example.org#1=450 4.2.1 busy", "rcpt:never@example.org=550 5.1.1 no such user"],
  });
  const to = ["now@example.org", "later@example.org", "never@example.org"];
  const { id } = await submit(relay.port, { to });
  await until("both arrived", () => relay.arrived.length === 2);
  expect(relay.arrived.map(({ recipients }) => recipients)).toEqual([
    ["now@example.org"],
    ["later@example.org"],
  ]);
  const row = await oneRow(relay, "bounced");
  expect(row).toMatchObject({ id, reason: expect.stringContaining("550 5.1.1 no such user") });
  const detail: QueueDetail = JSON.parse((await relay.command("queue", "show", id, "--json")).stdout);
  expect(detail.envelope.recipients).toEqual([
    { address: "now@example.org", state: "delivered" },
    { address: "later@example.org", state: "delivered" },
    { address: "never@example.org", state: "bounced" },
  ]);
  expect(detail.attempts).toHaveLength(2);
  const page = (await relay.command("queue", "show", id)).stdout;
  expect(page).toContain("550 5.1.1 no such user");
  expect((await relay.command("queue", "show", id, "--raw")).stdout).toContain("Subject: test\r\n");
});

test("a refused credential stops the account, blames no message, and heals when the password file changes", async () => {
  const relay = await Relay.start({ fail: ["auth=535 5.7.8 wrong password"] });
  for (let n = 0; n < 5; n++) await submit(relay.port);
  await until("the breaker opened", () => relay.events("breaker-opened").length > 0);
  expect(relay.events("breaker-opened")[0]).toMatchObject({ breaker: "account", account: "portal" });
  expect(relay.sandbox.sessions.length).toBeLessThanOrEqual(2);
  const waiting = await rows(relay);
  expect(waiting.map(({ state }) => state)).toEqual(Array(5).fill("incoming"));
  expect(waiting[0]?.reason).toContain("the account is stopped: 535 5.7.8 wrong password");
  expect(JSON.stringify(relay.log)).not.toContain("battery staple");
  await relay.down();
  relay.setFaults();
  await relay.up(); // nothing changed, and the last failure is seconds old: no probe yet
  await until("the agent knows it over the restart", async () =>
    (await rows(relay)).every(({ reason }) => reason?.includes("the account is stopped: 535")),
  );
  expect(relay.events("breaker-opened")).toHaveLength(1);
  await writeFile(join(relay.folder, "password"), `${PASSWORD}\n`);
  await relay.down();
  await relay.up();
  await until("all arrived", () => relay.arrived.length === 5);
});

test("an upstream that is down is tried a handful of times, and mail goes out when it is back", async () => {
  const relay = await Relay.start({ fail: ["greeting=421 4.3.2 not now"] });
  for (let n = 0; n < 5; n++) await submit(relay.port);
  await until("the breaker opened", () => relay.events("breaker-opened").length > 0);
  relay.setFaults();
  await until("all arrived", () => relay.arrived.length === 5, 30_000);
  expect(relay.events("breaker-closed").at(-1)).toMatchObject({ breaker: "upstream" });
  expect(relay.events("bounced")).toHaveLength(0);
});

test("when the connection dies between the final dot and its reply, the repeat is told as in doubt", async () => {
  const relay = await Relay.start({ config: QUICK, fail: ["dot#1=drop"] });
  await submit(relay.port);
  await until("it was sent again", () => relay.arrived.length === 2);
  await until("it is delivered", () => relay.events("delivered").length === 1);
  expect(relay.events("deferred")[0]).toMatchObject({ inDoubt: true });
});

test("an upstream whose certificate is not trusted gets no credential and no message", async () => {
  const relay = await Relay.prepare();
  await relay.configure({
    upstream: `upstream: { hosts: [localhost], port: ${relay.sandbox.starttlsPort}, security: starttls }`,
  });
  await relay.up();
  await submit(relay.port);
  await until("the breaker opened", () => relay.events("breaker-opened").length > 0);
  expect(relay.sandbox.sessions.filter(({ authenticated }) => authenticated)).toHaveLength(0);
  expect(relay.arrived).toHaveLength(0);
});

test("a message that waits too long is given up, visibly", async () => {
  const relay = await Relay.start({ fail: ["dot=451 4.3.0 not now"] });
  const { id } = await submit(relay.port);
  await oneRow(relay, "deferred");
  await relay.kill("agent and redis");
  const file = join(relay.stateDir, "spool", id);
  const bytes = await readFile(file, "latin1");
  const fiveDaysAgo = bytes
    .replace(/,"workedMs":\d+/, "") // as an older version wrote it: its age is the wall clock's
    .replace(/"timeMs":(\d+)/, (_, ms) => `"timeMs":${Number(ms) - 5 * 86_400_000}`);
  await writeFile(file, fiveDaysAgo.replace(/"nextMs":\d+/, '"nextMs":1'), "latin1");
  await rm(join(relay.stateDir, "redis"), { recursive: true });
  await relay.up();
  expect(await oneRow(relay, "bounced")).toMatchObject({
    id,
    reason: expect.stringContaining("not delivered in time"),
  });
  expect(relay.events("expired")[0]).toMatchObject({ id, recipients: ["bob@example.org"] });
});

test("mail of unknown senders is parked when the config says so, and stays visible over a restart", async () => {
  const relay = await Relay.start({ config: "senders: { unknown: hold }" });
  const { code } = await submit(relay.port, { from: "stranger@elsewhere.example" });
  expect(code).toBe(250);
  expect(await oneRow(relay, "held")).toMatchObject({ account: null });
  expect(relay.events("held")[0]).toMatchObject({
    account: null,
    reason: expect.stringContaining("stranger@elsewhere.example"),
  });
  await relay.down();
  const offline = await relay.command("queue", "list");
  expect(offline.stdout).toContain("held");
  expect(offline.stderr).toContain("The agent is not running");
  await relay.up();
  await submit(relay.port);
  await until("the other one arrived", () => relay.arrived.length === 1);
  expect(await oneRow(relay, "held")).toMatchObject({ account: null });
});

test("never more than perHour messages go out, and the rest waits in order, over a restart and the loss of Redis", async () => {
  const relay = await Relay.start({ pace: "{ perHour: 60, burst: 3 }" });
  for (let n = 0; n < 8; n++) await submit(relay.port, { data: `Subject: m${n}\r\n\r\n` });
  await until("the burst is delivered", () => relay.events("delivered").length === 3);
  await until("the pace is told", () => relay.events("paced").length > 0);
  await relay.kill("agent and redis");
  await rm(`${relay.stateDir}/redis`, { recursive: true });
  await relay.up();
  await until("the pace is told again", () => relay.events("paced").length > 1);
  expect(relay.arrived.map(({ subject }) => subject)).toEqual(["m0", "m1", "m2"]);
  const waiting = await rows(relay);
  expect(waiting).toHaveLength(5);
  expect(waiting[0]?.reason).toMatch(
    /^it goes at the account's pace: \d+ of 60 messages in the last 60 minutes$/,
  );
});

test("a file that cannot be read is alarmed and visible, and stops nobody else", async () => {
  const relay = await Relay.start({ fail: ["connect=drop"] });
  const garbled = (await submit(relay.port)).id;
  const folder = (await submit(relay.port)).id;
  await relay.kill("agent and redis");
  const spool = join(relay.stateDir, "spool");
  await writeFile(join(spool, garbled), "no json\n");
  await rm(join(spool, folder));
  await mkdir(join(spool, folder));
  relay.setFaults();
  await relay.up();
  expect((await submit(relay.port)).code).toBe(250);
  await until("the good one arrived", () => relay.arrived.length === 1);
  const parked = await rows(relay);
  expect(parked.map(({ id, state }) => ({ id, state }))).toEqual([
    { id: garbled, state: "held" },
    { id: folder, state: "held" },
  ]);
  expect(parked[0]?.reason).toBe("its spool file cannot be read: its first line is not JSON");
  expect((await relay.command("queue", "show", garbled)).stdout).toContain("its first line is not JSON");
  expect(relay.events("trouble").map(({ id }) => id)).toEqual(expect.arrayContaining([garbled, folder]));
});

test("a job that somebody else put into Redis sends nothing and stops nobody", async () => {
  const relay = await Relay.start();
  const instance = String(relay.events("started")[0]?.instance);
  await until("Redis answers", () => relay.events("redis").some(({ what }) => what === "connected"));
  const redis = await connectedTo(join(relay.stateDir, "redis/redis.sock"));
  const queue = new Queue(`${instance}.portal.bulk`, { connection: redis, prefix: "{sluice:portal}" });
  await queue.add("deliver", { v: 1, to: "eve@example.org" }, { jobId: "../../etc/passwd" });
  await queue.add("deliver", { v: 99 }, { jobId: "of-the-future" });
  expect((await submit(relay.port)).code).toBe(250);
  await until("the good one arrived", () => relay.arrived.length === 1);
  await until("both are alarmed", () => relay.events("trouble").length >= 2);
  await queue.close();
  redis.disconnect();
  expect(relay.arrived).toHaveLength(1);
});
