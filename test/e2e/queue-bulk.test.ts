/** The queue commands on many messages: count, ask, do, sum up; and what they say without the agent. */
import { expect, test } from "vitest";
import type { BulkResult } from "../../src/control/bulk.ts";
import type { QueueRow } from "../../src/control/queue-view.ts";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const SLOW = "retry: { first: 1h, max: 1h, expireAfter: 4d }";
const NEWS = { from: "bounces@lab.example", data: "From: news@lab.example\r\nSubject: news\r\n\r\nbody\r\n" };

const queue = (relay: Relay, ...args: string[]) => relay.command("queue", ...args);

async function json<T>(relay: Relay, ...args: string[]): Promise<T> {
  return JSON.parse((await queue(relay, ...args, "--json")).stdout);
}

test("an operator holds a sender's mail, releases all of it, and clears the rest away", async () => {
  const relay = await Relay.start({
    config: SLOW,
    pace: "{ perHour: 3600, burst: 36 }",
    fail: ["rcpt=451 4.7.1 later"],
  });
  for (let n = 0; n < 6; n++) await submit(relay.port);
  const news: string[] = [];
  for (let n = 0; n < 4; n++) news.push((await submit(relay.port, NEWS)).id);
  const states = { incoming: 0, active: 0, deferred: 10, held: 0, bounced: 0 };
  await until("all are deferred", () => relay.events("deferred").length === 10);
  const stats = await until("the queues say so", async () => {
    const found = await json<{ states: typeof states }>(relay, "stats");
    return found.states.deferred === 10 ? found : undefined;
  });
  expect(stats).toEqual({
    states,
    oldest: expect.any(Number),
    budget: { portal: { used: 10, perHour: 3600 } },
  });

  const sender = ["--sender", "BOUNCES@"];
  expect(await queue(relay, "hold", ...sender)).toMatchObject({
    code: 64,
    stdout: "",
    stderr: expect.stringContaining("say --yes"),
  });
  const dry = await queue(relay, "hold", ...sender, "--dry-run");
  expect(dry.stdout).toContain("-- would be held: 4 messages (sender BOUNCES@)\n");
  expect((await json<QueueRow[]>(relay, "list", "--state", "held")).length).toBe(0);
  const held = await json<BulkResult>(relay, "hold", ...sender, "--yes", "--reason", "wrong template");
  expect(held).toEqual({ verb: "hold", matched: 4, done: 4, changed: 0, refused: [] });
  const rows = await json<QueueRow[]>(relay, "list", "--state", "held");
  expect(rows.map(({ id, reason }) => [id, reason])).toEqual(news.map((id) => [id, "wrong template"]));
  expect((await json<{ states: object }>(relay, "stats")).states).toEqual({
    ...states,
    deferred: 6,
    held: 4,
  });
  expect((await queue(relay)).stdout).toMatch(
    /^-- 10 messages, .* in queue; 6 deferred, 4 held; budget portal 10\/3,600 this hour$/m,
  );

  relay.setFaults();
  expect(await queue(relay, "release", "--all", "--yes")).toEqual({
    code: 0,
    stdout: "released: 4 of 4 messages\n",
    stderr: "",
  });
  await until("they arrived", () => relay.arrived.length === 4);
  expect(await queue(relay, "delete", "--state", "deferred")).toMatchObject({ code: 64, stdout: "" });
  const deleted = await queue(relay, "delete", "--state", "deferred", "--limit", "5", "--yes");
  expect(deleted).toMatchObject({ code: 0, stdout: "deleted: 5 of 5 messages\n" });
  const [last] = await until("one is left", async () => {
    const left = await json<QueueRow[]>(relay, "list");
    return left.length === 1 ? left : undefined;
  });
  expect(await queue(relay, "delete", "--all", "--yes")).toMatchObject({ code: 0 });
  expect((await queue(relay)).stdout).toBe("Queue is empty.\n");
  expect(await queue(relay, "show", last?.id ?? "")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`sluice trace ${last?.id}`),
  });
  expect(relay.arrived).toHaveLength(4);
});

test("what cannot be done is exit code 1 with the reason; without the agent the disk is read and no verb does anything", async () => {
  const relay = await Relay.start({ config: "senders: { unknown: hold }" });
  for (let n = 0; n < 3; n++) await submit(relay.port, { from: `stranger${n}@elsewhere.example` });
  const released = await queue(relay, "release", "--all", "--yes");
  expect(released).toMatchObject({ code: 1, stderr: "" });
  expect(released.stdout).toMatch(/^released: 0 of 3 messages; not done: 3\n {2}1 × it has no account/);
  const nothing = await queue(relay, "retry", "--all", "--yes");
  expect(nothing).toEqual({
    code: 0,
    stdout: "Nothing to retry: no message in the queue matches.\n",
    stderr: "",
  });
  const states = { incoming: 0, active: 0, deferred: 0, held: 3, bounced: 0 };
  expect(await json(relay, "stats")).toMatchObject({ states });
  await relay.down();
  const away = await queue(relay, "stats", "--json");
  expect(away.stderr).toBe("The agent is not running: read from the spool on disk.\n");
  expect(JSON.parse(away.stdout)).toEqual({ states, oldest: expect.any(Number), budget: { portal: null } });
  expect((await json<QueueRow[]>(relay, "list", "--sender", "STRANGER1")).length).toBe(1);
  expect(await queue(relay, "release", "--all", "--yes")).toMatchObject({
    code: 69,
    stdout: "",
    stderr: expect.stringContaining("start it with systemctl start sluice"),
  });
});

test("what is in a session is asked for again, and what was delivered meanwhile is no failure", async () => {
  const relay = await Relay.start({ fail: ["dot#1=delay 3s"] });
  const { id } = await submit(relay.port);
  await until("it is in a session", async () => {
    const rows = await json<QueueRow[]>(relay, "list", "--state", "active");
    return rows.some((row) => row.id === id);
  });
  expect(await queue(relay, "hold", "--all", "--yes")).toEqual({
    code: 0,
    stdout: "held: 0 of 1 message; changed meanwhile (delivered, say): 1\n",
    stderr: "",
  });
  expect(relay.arrived).toHaveLength(1);
});
