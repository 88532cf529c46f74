/**
 * The verbs of `sluice queue` on the real program: what an operator does to a message is done, once, and outlives
 * whatever dies.
 */

import { readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { simpleParser } from "mailparser";
import { expect, test } from "vitest";
import type { QueueDetail, QueueRow } from "../../src/control/queue-view.ts";
import { Relay } from "../support/relay.ts";
import { PASSWORD } from "../support/relay-process.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const SLOW = "retry: { first: 1h, max: 1h, expireAfter: 4d }";
const FROM = { from: "bounces@lab.example", data: "From: news@lab.example\r\nSubject: s1\r\n\r\nbody\r\n" };

const verb = (relay: Relay, ...args: string[]) => relay.command("queue", ...args);

async function row(relay: Relay, id: string): Promise<QueueRow | undefined> {
  const rows: QueueRow[] = JSON.parse((await verb(relay, "list", "--json")).stdout);
  return rows.find((one) => one.id === id);
}

function inState(relay: Relay, id: string, state: QueueRow["state"]): Promise<QueueRow> {
  return until(`${id} is ${state}`, async () => {
    const found = await row(relay, id);
    return found?.state === state ? found : undefined;
  });
}

/** Arrivals of the message itself, notices left out. */
const arrivals = (relay: Relay) => relay.arrived.filter(({ subject }) => subject === "s1");

async function show(relay: Relay, id: string): Promise<QueueDetail> {
  return JSON.parse((await verb(relay, "show", id, "--json")).stdout);
}

test("what bounced is retried when its cause is gone, is delivered once, and leaves like any other", async () => {
  const relay = await Relay.start({ fail: ["rcpt:bob@example.org=550 5.1.1 no such user"] });
  const { id } = await submit(relay.port, FROM);
  await inState(relay, id, "bounced");
  await until("the notice arrived", () => relay.arrived.length === 1);
  relay.setFaults();
  expect(await verb(relay, "retry", id)).toEqual({
    code: 0,
    stdout: `${id}: retried, due at once\n`,
    stderr: "",
  });
  await until("it is delivered", () => relay.events("delivered").some((line) => line.id === id));
  await until("its file is gone", async () => (await row(relay, id)) === undefined);
  expect(arrivals(relay)).toHaveLength(1);
  expect(relay.events("released")).toMatchObject([{ id, verb: "retry", by: "operator" }]);
  const again = await verb(relay, "retry", id);
  expect(again).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringContaining(`${id}: not done: it is not`),
  });
});

test("what is retried and bounces again is noticed again", async () => {
  const relay = await Relay.start({ fail: ["rcpt:bob@example.org=550 5.1.1 no such user"] });
  const { id } = await submit(relay.port, FROM);
  await until("the notice arrived", () => relay.arrived.length === 1);
  await inState(relay, id, "bounced");
  await verb(relay, "retry", id);
  await until("another notice arrived", () => relay.arrived.length === 2);
  const { attempts, history } = await show(relay, id);
  expect(attempts).toHaveLength(2);
  expect(history.map(({ what }) => what)).toEqual(["notice", "retried", "notice"]);
});

test("what is held stays held when agent, Redis and Redis's folder die, and is delivered once released", async () => {
  const relay = await Relay.start({ config: SLOW, fail: ["rcpt#1=451 4.7.1 greylisted"] });
  const { id } = await submit(relay.port, FROM);
  await inState(relay, id, "deferred");
  const held = await verb(relay, "hold", id, "--reason", "wrong template");
  expect(held).toEqual({ code: 0, stdout: `${id}: held until it is released\n`, stderr: "" });
  await relay.kill("agent and redis");
  await rm(join(relay.stateDir, "redis"), { recursive: true });
  await relay.up();
  await until("recovered", () => relay.events("recovered").length >= 2);
  expect(await row(relay, id)).toMatchObject({ state: "held", reason: "wrong template", nextAttempt: null });
  expect(await verb(relay, "retry", id)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("release it"),
  });
  expect(arrivals(relay)).toHaveLength(0);
  const released = await verb(relay, "release", id, "--json");
  expect(JSON.parse(released.stdout)).toEqual([{ id, done: true, was: "held", is: "pending" }]);
  await until("it arrived", () => arrivals(relay).length === 1);
});

test("a release that Redis forgot when it died is done all the same", async () => {
  const relay = await Relay.start({ config: SLOW, fail: ["rcpt#1=451 4.7.1 greylisted"] });
  const { id } = await submit(relay.port, FROM);
  await inState(relay, id, "deferred");
  await verb(relay, "hold", id);
  await relay.kill("agent"); // Redis stays, and knows it as held
  const spooled = join(relay.stateDir, "spool", id);
  await writeFile(spooled, `${JSON.stringify({ at: Date.now(), event: "released" })}\n`, { flag: "a" });
  await relay.up();
  await until("it arrived", () => arrivals(relay).length === 1);
});

test("what an operator gives up is noticed in the operator's words, and stays to be retried", async () => {
  const relay = await Relay.start({ config: SLOW, fail: ["rcpt:bob@example.org=451 4.7.1 greylisted"] });
  const { id } = await submit(relay.port, FROM);
  await inState(relay, id, "deferred");
  expect((await verb(relay, "bounce", id, "--reason", "the list is out of date")).code).toBe(0);
  await until("the notice arrived", () => relay.arrived.length === 1);
  const notice = await simpleParser(await relay.arrivedRaw(0));
  expect(notice.text).toContain("the list is out of date");
  expect(relay.arrived[0]?.recipients).toEqual(["bounces@lab.example"]);
  expect(await inState(relay, id, "bounced")).toMatchObject({ reason: "the list is out of date" });
  expect(relay.events("bounced")).toMatchObject([{ id, by: "operator", recipients: ["bob@example.org"] }]);
  const page = (await verb(relay, "show", id)).stdout;
  expect(page).toMatch(/^bounced .*the list is out of date; given up: bob@example\.org$/m);
  relay.setFaults();
  await verb(relay, "retry", id);
  await until("it arrived", () => arrivals(relay).length === 1);
  expect(relay.arrived).toHaveLength(2);
});

test("delete needs a yes; then the message is gone for good, without a notice or an alarm", async () => {
  const relay = await Relay.start({ config: SLOW, fail: ["rcpt:bob@example.org=451 4.7.1 greylisted"] });
  const ids = [(await submit(relay.port, FROM)).id, (await submit(relay.port, FROM)).id];
  for (const id of ids) await inState(relay, id, "deferred");
  const unasked = await verb(relay, "delete", ...ids);
  expect(unasked).toMatchObject({ code: 64, stdout: "", stderr: expect.stringContaining("say --yes") });
  const absent = "1m84xr46400t1k";
  const deleted = await verb(relay, "delete", "--yes", ...ids, absent);
  expect(deleted).toMatchObject({ code: 1, stdout: ids.map((id) => `${id}: deleted\n`).join("") });
  expect(deleted.stderr).toContain(`${absent}: not done: it is not in the queue`);
  await relay.kill("agent and redis"); // whatever jobs it knew are no alarm either
  relay.setFaults();
  await relay.up();
  await submit(relay.port, { ...FROM, to: "carol@example.org" });
  await until("another arrived", () => arrivals(relay).length === 1);
  expect(arrivals(relay)[0]?.recipients).toEqual(["carol@example.org"]);
  expect(relay.events("deleted")).toMatchObject(ids.map((id) => ({ id, by: "operator" })));
  expect(relay.events("trouble").filter(({ id }) => id !== undefined)).toEqual([]);
});

test("what is in a session is not touched: 409 and a sentence", async () => {
  const relay = await Relay.start({ fail: ["dot#1=delay 3s"] });
  const { id } = await submit(relay.port, FROM);
  await inState(relay, id, "active");
  expect(await post(relay, `/api/v1/queue/${id}/delete`)).toMatchObject({
    status: 409,
    body: { result: { done: false, refused: "active" }, error: expect.stringContaining("in a session now") },
  });
  const held = await verb(relay, "hold", id, "--json");
  expect(held).toMatchObject({ code: 1, stderr: expect.stringContaining("try again in a moment") });
  expect(JSON.parse(held.stdout)).toMatchObject([{ id, done: false, refused: "active" }]);
  await until("its file is gone", async () => (await row(relay, id)) === undefined);
  await until("it is settled", async () => (await post(relay, `/api/v1/queue/${id}/hold`)).status === 404);
  expect(arrivals(relay)).toHaveLength(1);
  for (const [path, status] of [
    [`/api/v1/queue/${id}/delete`, 404],
    [`/api/v1/queue/${id}/explode`, 404],
    ["/api/v1/queue/nonsense/retry", 404],
  ] as const)
    expect((await post(relay, path)).status).toBe(status);
  expect((await post(relay, `/api/v1/queue/${id}/hold`, { reason: "x".repeat(201) })).status).toBe(400);
});

test("a corrupt file that was mended by hand is retried without a restart", async () => {
  const relay = await Relay.start({ fail: ["connect=drop"] });
  const { id } = await submit(relay.port, FROM);
  const file = join(relay.stateDir, "spool", id);
  const good = await readFile(file);
  await writeFile(file, "no json\n");
  relay.setFaults();
  await until("it is parked", () => relay.events("trouble").some((line) => line.id === id), 30_000);
  expect(await verb(relay, "retry", id)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("mend the file"),
  });
  await writeFile(file, good);
  expect((await verb(relay, "retry", id)).code).toBe(0);
  await until("it arrived", () => arrivals(relay).length === 1);
});

test("a retry lets a stopped account probe at once, and the list says what is stopped", async () => {
  const relay = await Relay.start({ fail: ["auth=535 5.7.8 wrong password"] });
  const { id } = await submit(relay.port, FROM);
  await until("the breaker opened", () => relay.events("breaker-opened").length > 0);
  const list = (await verb(relay, "list")).stdout;
  expect(list).toMatch(/^-- portal is stopped: 535 5\.7\.8 wrong password.*; next probe at \d\d:\d\d:\d\d$/m);
  relay.setFaults(); // mended at the upstream: nothing of ours changed, the next probe is a minute away
  await verb(relay, "retry", id);
  await until("it arrived", () => arrivals(relay).length === 1);
  expect((await verb(relay, "list")).stdout).toBe("Queue is empty.\n");
  expect(JSON.stringify(relay.log)).not.toContain(PASSWORD);
});

test("mail of a stopped pair is shown as held, in the upstream's words", async () => {
  const relay = await Relay.start({ fail: ["mail:bounces@lab.example=550 5.7.1 sender not authorised"] });
  const { id } = await submit(relay.port, FROM);
  await until("the breaker opened", () => relay.events("breaker-opened").length > 0);
  const stopped = await inState(relay, id, "held");
  expect(stopped.reason).toContain("its pair is stopped: 550 5.7.1 sender not authorised");
  expect(Date.parse(stopped.nextAttempt ?? "")).toBeGreaterThan(Date.now());
  expect((await verb(relay, "list")).stdout).toContain(
    "-- the pair bounces@lab.example news@lab.example of portal",
  );
  relay.setFaults();
  expect((await verb(relay, "retry", id)).code).toBe(0);
  await until("it arrived", () => arrivals(relay).length === 1);
});

test("mail without an account is not released, and without the agent no verb does anything", async () => {
  const relay = await Relay.start({ config: "senders: { unknown: hold }" });
  const { id } = await submit(relay.port, { from: "stranger@elsewhere.example" });
  expect(await verb(relay, "release", id)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("no account"),
  });
  await relay.down();
  const away = await verb(relay, "release", id);
  expect(away).toMatchObject({
    code: 69,
    stdout: "",
    stderr: expect.stringContaining("start it with systemctl start sluice"),
  });
  expect(await row(relay, id)).toMatchObject({ state: "held" });
});

function post(relay: Relay, path: string, body: object = {}): Promise<{ status: number; body: unknown }> {
  const socketPath = join(relay.stateDir, "control.sock");
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const asked = request({ socketPath, path, method: "POST", headers }, async (answer) => {
      let text = "";
      for await (const piece of answer) text += piece;
      resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) });
    });
    asked.on("error", reject);
    asked.end(JSON.stringify(body));
  });
}
