import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { UsageRow } from "../../src/usage/rows.ts";
import { Relay } from "../support/relay.ts";
import { SmtpClient, submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const DAY_MS = 86_400_000;
const URGENT = "Subject: now\r\nX-Priority: 1\r\n\r\nnow\r\n";

async function send(relay: Relay, count: number): Promise<void> {
  const client = await SmtpClient.connect(relay.port);
  await client.say("EHLO test");
  for (let n = 0; n < count; n++)
    expect((await client.send({ data: `Subject: ${n}\r\n\r\n${n}\r\n` })).code).toBe(250);
  client.quit();
}

async function usage(relay: Relay, ...args: string[]): Promise<UsageRow[]> {
  const { code, stdout, stderr } = await relay.command("usage", "--json", ...args);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout);
}

const messages = (rows: readonly UsageRow[]) => rows.reduce((sum, row) => sum + row.messages, 0);
const told = (relay: Relay) => new Set(relay.events("delivered").map(({ id }) => id)).size;
const allTold = (relay: Relay, count: number) =>
  until(`${count} are told`, () => told(relay) === count, 60_000);

test("usage tells what was sent while the agent runs and after it, by hour, sender and as CSV", async () => {
  const relay = await Relay.start();
  expect((await relay.command("usage")).stdout).toContain("Nothing is recorded yet");
  expect(await usage(relay)).toEqual([]);
  await send(relay, 30);
  await allTold(relay, 30);
  expect(messages(await usage(relay))).toBe(30);
  await relay.down();
  const rows = await usage(relay, "--by", "hour");
  expect(messages(rows)).toBe(30);
  expect(rows[0]).toMatchObject({ account: "portal", sender: null });
  expect(Math.max(...rows.map(({ peakHour }) => peakHour ?? 0))).toBe(30);
  const sent = relay.arrived.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  expect(rows.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(sent);
  expect(await usage(relay, "--per", "sender", "--by", "year")).toMatchObject([
    { sender: "app@lab.example", messages: 30, recipients: 30, usedMessages: 30, forecastMessages: null },
  ]);
  const { stdout } = await relay.command("usage", "--csv", "--account", "portal");
  expect(stdout).toMatch(/^from,to,account,.*\r\n20\d\d-.*,portal,/);
  const unknown = await relay.command("usage", "--account", "nobody");
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining("There is no account nobody") });
});

test("kill -9 and another start neither lose nor double what was sent", async () => {
  const relay = await Relay.start();
  const sent = (count: number) =>
    until(`usage says ${count}`, async () => messages(await usage(relay)) === count);
  for (let round = 1; round <= 3; round++) {
    await send(relay, 10);
    await allTold(relay, 10 * round);
    await relay.kill("agent"); // what stands in the log may be missing in the journal: the next run tells it
    await relay.up();
    await sent(10 * round);
  }
  await relay.down();
  expect(messages(await usage(relay))).toBe(30);
  await relay.up();
  await relay.down();
  expect(messages(await usage(relay))).toBe(30);
});

test("at: hold holds bulk mail with a reason, urgent mail goes, and all goes when the limit is raised", async () => {
  const pace = (limit: number) =>
    `{ perHour: 10000, burst: 100, perYear: { messages: ${limit}, starts: 07-01, at: hold } }`;
  const config = 'urgent: { headers: { X-Priority: "1" } }';
  const relay = await Relay.start({ pace: pace(5), config });
  await send(relay, 5);
  await allTold(relay, 5);
  await until("the end of the year's messages is told", () =>
    relay.events("usage").some(({ percent }) => percent === 100),
  );
  await send(relay, 3);
  const urgent = await submit(relay.port, { data: URGENT });
  await until("urgent mail is delivered", () => relay.events("delivered").some(({ id }) => id === urgent.id));
  const rows = JSON.parse((await relay.command("queue", "--json")).stdout) as { reason: string }[];
  expect(rows).toHaveLength(3);
  for (const { reason } of rows)
    expect(reason).toMatch(/the year's 5 messages are used \(\d\): bulk mail waits/);
  expect(relay.events("delivered")).toHaveLength(6);
  expect((await relay.command("usage")).stdout).toMatch(/6 messages \(120 % of 5 messages\)/);

  await relay.down();
  const warned = relay.events("usage").length;
  await relay.configure({ pace: pace(1000), config });
  await relay.up();
  await allTold(relay, 9);
  expect(relay.events("usage")).toHaveLength(warned);
});

test("bulk mail that the year's end held goes by itself when the next year begins", async () => {
  const tomorrow = new Date(Date.now() + DAY_MS).toISOString().slice(5, 10);
  const starts = tomorrow === "02-29" ? "03-01" : tomorrow;
  const pace = `{ perHour: 10000, burst: 100, perYear: { messages: 5, starts: ${starts}, at: hold } }`;
  const relay = await Relay.start({ pace, clock: "test" });
  await send(relay, 5);
  await until("the end of the year's messages is told", () =>
    relay.events("usage").some(({ percent }) => percent === 100),
  );
  await send(relay, 3);
  expect(relay.arrived).toHaveLength(5);
  await relay.jumpClock({ wallMs: 2 * DAY_MS });
  await allTold(relay, 8);
});

test("plan and request-sheet answer from what was recorded, with the agent down too", async () => {
  const config =
    "request: { group: DoIT, owner: mail-team@lab.example, application: Portal }\nkeep: { usage: 400d }";
  const relay = await Relay.start({ config });
  expect((await relay.command("plan")).stdout).toContain("Nothing is recorded yet");
  expect((await relay.command("request-sheet")).stdout).toContain("nothing is recorded yet");
  await send(relay, 20);
  await allTold(relay, 20);
  await relay.down();
  const svg = join(relay.folder, "plan.svg");
  const plan = await relay.command("plan", "--json", "--per-hour", "2", "7", "--svg", svg);
  expect(plan.code).toBe(0);
  const rows = JSON.parse(plan.stdout) as {
    perHour: number;
    why: string;
    peakHour: number;
    worstDelay: number;
  }[];
  expect(rows.map(({ perHour }) => perHour)).toEqual([2, 5, 7, 10, 15, 20]);
  for (const { perHour, peakHour } of rows) expect(peakHour).toBeLessThanOrEqual(perHour);
  expect(rows[0]?.worstDelay).toBeGreaterThan(9 * 3600);
  expect(await readFile(svg, "utf8")).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  const sheet = JSON.parse((await relay.command("request-sheet", "--json")).stdout);
  expect(sheet).toMatchObject({
    group: "DoIT",
    audience: null,
    pairs: [
      { account: "portal", envelope: "app@lab.example", header: "app@lab.example" },
      { account: "portal", envelope: "bounces@lab.example", header: "news@lab.example" },
    ],
    addresses: ["app@lab.example", "bounces@lab.example", "news@lab.example"],
    sendingAddresses: [],
    volume: [{ account: "portal", messages: 20, peakHour: 20, perHour: null, messagesPerYear: null }],
  });
  const text = (await relay.command("request-sheet")).stdout;
  expect(text).toContain("set request.audience in the config");
  expect(text).toContain("set upstream.static");
});
