/**
 * What is stopped while it cannot work: the account, the upstream, a pair. Nothing bounces, no time counts, probes are
 * few, and mail flows within a probe of the cure (promise P9).
 */
import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { QueueRow } from "../../src/control/queue-view.ts";
import { Relay } from "../support/relay.ts";
import { PASSWORD } from "../support/relay-process.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const MINUTE_MS = 60_000;
const news = (n: number) => ({
  from: "bounces@lab.example",
  data: `From: news@lab.example\r\nSubject: news${n}\r\n\r\nbody\r\n`,
});
const given = (relay: Relay) => [...relay.events("bounced"), ...relay.events("expired")];

/** Lets that much time pass on both clocks, a minute at a time; each new message wakes the agent. */
async function pass(relay: Relay, minutes: number): Promise<number> {
  for (let n = 0; n < minutes; n++) {
    await relay.jumpClock({ wallMs: MINUTE_MS, monotonicMs: MINUTE_MS });
    const { code } = await submit(relay.port);
    expect(code).toBe(250);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return minutes;
}

test("with a wrong password for an hour nothing bounces, probes are few, and mail flows once the file is mended", async () => {
  const relay = await Relay.start({
    clock: "test",
    config: "retry: { first: 1m, max: 2m, expireAfter: 10m }",
    fail: ["auth=535 5.7.8 wrong password"],
  });
  await submit(relay.port);
  await until("the breaker opened", () => relay.events("breaker-opened").length > 0);
  const sent = 1 + (await pass(relay, 65));
  expect(given(relay)).toEqual([]);
  expect(relay.events("breaker-opened")).toHaveLength(1);
  expect(relay.sandbox.sessions.length).toBeGreaterThanOrEqual(5); // after 1, 2, 4, 8, 16, 32 minutes
  expect(relay.sandbox.sessions.length).toBeLessThanOrEqual(8);
  relay.setFaults();
  await writeFile(join(relay.folder, "password"), `${PASSWORD}\n`);
  await until("all arrived", () => relay.arrived.length === sent);
  expect(relay.events("reloaded")).toMatchObject([{ what: "password", account: "portal" }]);
  expect(given(relay)).toEqual([]);
}, 180_000);

test("a password file that cannot be used while sluice runs is told, and the password before it stays in use", async () => {
  const relay = await Relay.start();
  await writeFile(join(relay.folder, "password"), "");
  const told = await until("it is told", () =>
    relay.events("trouble").find(({ part }) => part === "credentials"),
  );
  expect(told).toMatchObject({ account: "portal", reason: expect.stringContaining("is empty") });
  await submit(relay.port);
  await until("it arrived all the same", () => relay.arrived.length === 1);
});

test("a sender that the service does not know is held back with an alarm, others go on, and it goes when it may", async () => {
  const relay = await Relay.start({
    clock: "test",
    fail: ["mail:bounces@lab.example=550 5.7.1 sender not authorized"],
  });
  for (let n = 0; n < 30; n++) await submit(relay.port, news(n));
  const alarm = await until("the alarm", () => relay.events("breaker-opened")[0]);
  expect(alarm).toMatchObject({
    level: "error",
    breaker: "pair",
    account: "portal",
    pair: "bounces@lab.example news@lab.example",
    reason: expect.stringContaining("550 5.7.1 sender not authorized"),
  });
  await submit(relay.port);
  await until("the other pair's mail arrived", () => relay.arrived.length === 1);
  await relay.down();
  await relay.up();
  await submit(relay.port);
  await until("and again after a restart", () => relay.arrived.length === 2);
  expect(relay.events("breaker-opened")).toHaveLength(1);
  expect(given(relay)).toEqual([]);
  const rows: QueueRow[] = JSON.parse((await relay.command("queue", "list", "--json")).stdout);
  expect(rows).toHaveLength(30);
  relay.setFaults();
  await relay.jumpClock({ wallMs: 2 * MINUTE_MS, monotonicMs: 2 * MINUTE_MS });
  await until("all arrived within a probe", () => relay.arrived.length === 32, 40_000);
  expect(relay.events("breaker-closed")).toMatchObject([{ breaker: "pair" }]);
}, 120_000);

test("a header From that the service does not know is refused at the dot, and holds back its pair all the same", async () => {
  const relay = await Relay.prepare();
  await relay.configure({ senders: ["stranger@lab.example"] });
  await relay.up();
  for (let n = 0; n < 3; n++)
    await submit(relay.port, {
      from: "stranger@lab.example",
      data: "From: stranger@lab.example\r\n\r\nx\r\n",
    });
  const alarm = await until("the alarm", () => relay.events("breaker-opened")[0]);
  expect(alarm).toMatchObject({ breaker: "pair", pair: "stranger@lab.example stranger@lab.example" });
  expect(given(relay)).toEqual([]);
});

test("a changed config file closes at the next start what was stopped, an unchanged one does not", async () => {
  const relay = await Relay.start({ fail: ["mail=550 5.7.1 sender not authorized"] });
  await submit(relay.port);
  await until("the alarm", () => relay.events("breaker-opened")[0]);
  await relay.down();
  relay.setFaults();
  const later = new Date(Date.now() + 1000);
  await utimes(relay.configFile, later, later);
  await relay.up();
  await until("it arrived", () => relay.arrived.length === 1);
});

test("an agent that is started again and again does not hammer an upstream that is down", async () => {
  const relay = await Relay.prepare({ fail: ["greeting=421 4.3.2 not now"] });
  await relay.up();
  await submit(relay.port);
  await until("the breaker opened", () => relay.events("breaker-opened").length > 0);
  const startedMs = Date.now();
  for (let n = 0; n < 8; n++) {
    await relay.down("SIGKILL");
    await relay.up();
  }
  await submit(relay.port);
  const probes = 1 + (Date.now() - startedMs) / 5000;
  expect(relay.sandbox.sessions.length).toBeLessThanOrEqual(1 + Math.ceil(probes));
  relay.setFaults();
  await until("both arrived", () => relay.arrived.length === 2, 30_000);
});

test("a rate limit that is said with a 5xx stops the account instead of bouncing the backlog", async () => {
  const relay = await Relay.start({
    clock: "test",
    fail: ["dot#2-6=550 5.7.1 Hourly sending limit exceeded"],
  });
  for (let n = 0; n < 20; n++) await submit(relay.port);
  const alarm = await until("the alarm", () => relay.events("breaker-opened")[0]);
  expect(alarm).toMatchObject({
    breaker: "account",
    reason: expect.stringMatching(/limit exceeded .*as much as the service allows/),
  });
  relay.setFaults();
  await relay.jumpClock({ wallMs: 2 * MINUTE_MS, monotonicMs: 2 * MINUTE_MS });
  await until(
    "all arrived",
    () => new Set(relay.arrived.map(({ messageId }) => messageId)).size === 20,
    40_000,
  );
  expect(given(relay)).toEqual([]);
});

test("a refused recipient for whom the transaction was too large goes at once in the next one", async () => {
  const relay = await Relay.start({ fail: ["rcpt:c@example.org#1=452 4.5.3 too many recipients"] });
  await submit(relay.port, { to: ["a@example.org", "b@example.org", "c@example.org"] });
  await until("the rest came", () => relay.arrived.length === 2, 10_000); // retry.first is a minute
  expect(relay.arrived.map(({ recipients }) => recipients)).toEqual([
    ["a@example.org", "b@example.org"],
    ["c@example.org"],
  ]);
});

test("a wall clock that was ahead for a while expires nothing and makes nobody wait for that day", async () => {
  const relay = await Relay.start({
    clock: "test",
    config: "retry: { first: 1m, max: 1m, expireAfter: 2d }",
    fail: ["dot#1-2=451 4.3.0 not now"],
  });
  await submit(relay.port);
  await until("deferred", () => relay.events("deferred").length === 1);
  await relay.jumpClock({ wallMs: 5 * 86_400_000 });
  await until(
    "tried again, five days later by the clock",
    () => relay.events("deferred").length === 2,
    40_000,
  );
  // A clock that is back before the next look has not jumped, as far as the look can tell.
  await until("the jump is told", () => relay.events("trouble").some(({ part }) => part === "clock"));
  await relay.jumpClock({ wallMs: -5 * 86_400_000 });
  await until("the jump is noticed", () =>
    relay
      .events("recovered")
      .find(({ reason, rescheduled }) => /clock/.test(String(reason)) && rescheduled === 1),
  );
  await relay.jumpClock({ wallMs: 2 * MINUTE_MS, monotonicMs: 2 * MINUTE_MS });
  await until("it arrived", () => relay.arrived.length === 1, 40_000);
  expect(given(relay)).toEqual([]);
}, 180_000);

test("a message expires when it was tried long enough, and is never given up untried", async () => {
  const relay = await Relay.start({
    clock: "test",
    config: "retry: { first: 1s, max: 1s, expireAfter: 1m }",
    fail: ["dot=451 4.3.0 not now"],
  });
  const { id } = await submit(relay.port);
  await until("deferred", () => relay.events("deferred").length > 0);
  await relay.jumpClock({ wallMs: 45_000, monotonicMs: 45_000 });
  await new Promise((resolve) => setTimeout(resolve, 2500));
  expect(given(relay)).toEqual([]);
  await relay.jumpClock({ wallMs: 45_000, monotonicMs: 45_000 });
  const expired = await until("it expires", () => relay.events("expired")[0], 40_000);
  expect(expired).toMatchObject({ id, reason: expect.stringContaining("451 4.3.0 not now") });
});

test("mail that waited longer than it may while nobody could try is tried first", async () => {
  const relay = await Relay.start({
    clock: "test",
    config: "retry: { first: 1s, max: 1s, expireAfter: 1m }",
    pace: "{ perHour: 2, burst: 1 }",
  });
  await submit(relay.port);
  await submit(relay.port);
  await until("one arrived, one waits for the budget", () => relay.events("paced").length > 0);
  await relay.down();
  await relay.jumpClock({ wallMs: 10 * 86_400_000 });
  await relay.up();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(given(relay)).toEqual([]);
});

test("a retry of many messages at once asks an upstream that refuses the password a few times only", async () => {
  const relay = await Relay.start({ fail: ["auth=535 5.7.8 wrong password"] });
  const ids: string[] = [];
  for (let n = 0; n < 100; n++) ids.push((await submit(relay.port)).id);
  await until("the breaker opened", () => relay.events("breaker-opened").length > 0);
  const before = relay.sandbox.sessions.length;
  expect((await relay.command("queue", "retry", ...ids)).code).toBe(0);
  expect(relay.sandbox.sessions.length - before).toBeLessThanOrEqual(2);
});
