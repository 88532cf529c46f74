import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Recent } from "../../../src/control/recent.ts";
import type { Told } from "../../../src/observe/events.ts";
import { folderWith } from "../config/folder.ts";

const HOUR_MS = 3_600_000;
const NOON = Date.parse("2026-07-01T12:00:00Z");
const told = (atMs: number, fact: object) => ({ at: new Date(atMs).toISOString(), ...fact }) as Told;

const refused = (atMs: number, reply = "550 5.7.1 no") =>
  told(atMs, { event: "rejected", reply, sender: "a@b.example" });
const sent = (atMs: number, chargedMs: number, urgency: "urgent" | "bulk" = "bulk") =>
  told(atMs, {
    event: "delivered",
    id: "1",
    account: "portal",
    sender: "a@b.example",
    recipients: ["x@y.example"],
    charged: 1,
    charge: { recipients: 1, bytes: 1, class: urgency, at: new Date(chargedMs).toISOString() },
    reply: { code: 250, text: "250 ok" },
  });

function recent(nowMs = NOON + 60_000): { made: Recent; clock: { ms: number } } {
  const clock = { ms: nowMs };
  return { made: new Recent(() => clock.ms), clock };
}

test("the last 24 clock hours are there, those without mail included, the one under way last", () => {
  const { made, clock } = recent();
  made.hear(sent(NOON + 1000, NOON - 1));
  made.hear(sent(NOON + 1000, NOON));
  made.hear(sent(NOON + 1000, NOON, "urgent"));
  made.hear(refused(NOON + 1));
  expect(made.hours()).toHaveLength(24);
  expect(made.hours()[0]?.atMs).toBe(NOON - 23 * HOUR_MS);
  expect(made.hours().slice(-2)).toEqual([
    { atMs: NOON - HOUR_MS, urgent: 0, bulk: 1, refused: 0 },
    { atMs: NOON, urgent: 1, bulk: 1, refused: 1 },
  ]);
  clock.ms += HOUR_MS;
  expect(made.hours().at(-1)).toEqual({ atMs: NOON + HOUR_MS, urgent: 0, bulk: 0, refused: 0 });
  expect(made.hours().at(-2)).toMatchObject({ urgent: 1 });
});

test("a year of hours leaves a day of them in memory", () => {
  const { made, clock } = recent();
  for (let hour = 0; hour < 8760; hour++) made.hear(refused(NOON + hour * HOUR_MS));
  clock.ms = NOON + 8759 * HOUR_MS;
  expect(made.hours().map((one) => one.refused)).toEqual(Array(24).fill(1));
  clock.ms = NOON + 100 * HOUR_MS;
  expect(made.hours().every((one) => one.refused === 0)).toBe(true);
});

test("failures are in the upstream's words or ours, newest first, at most fifty", () => {
  const { made } = recent();
  const mail = { id: "1m84xr46400t1k", account: "portal", sender: "a@b.example", user: "www-data" };
  const recipients = Array.from({ length: 30 }, (_, n) => `r${n}@y.example`);
  made.hear(told(NOON, { event: "accepted", ...mail }));
  made.hear(told(NOON, { event: "held", by: "operator", ...mail, reason: "an operator says so" }));
  for (let n = 0; n < 60; n++) made.hear(refused(NOON, `550 5.7.1 no ${n}`));
  const reply = { code: 451, text: "451 4.7.1 greylisted" };
  made.hear(
    told(NOON + 1, { event: "deferred", ...mail, recipients, reply, reason: "greylisted (try later)" }),
  );
  made.hear(told(NOON + 2, { event: "deferred", ...mail, recipients: [], reason: "it hung up" }));
  expect(made.failures).toHaveLength(50);
  expect(made.failures.slice(0, 3)).toEqual([
    expect.objectContaining({ event: "deferred", reason: "it hung up" }),
    {
      at: new Date(NOON + 1).toISOString(),
      event: "deferred",
      id: mail.id,
      sender: mail.sender,
      recipients: recipients.slice(0, 20),
      user: "www-data",
      reason: "451 4.7.1 greylisted",
    },
    expect.objectContaining({ event: "rejected", id: null, user: null, reason: "550 5.7.1 no 59" }),
  ]);
});

test("what the last run told is read from the journal, and nothing is counted twice", async () => {
  const folder = folderWith({});
  const write = (line: Told) =>
    appendFileSync(join(folder, `${line.at.slice(0, 10)}.jsonl`), `${JSON.stringify(line)}\n`);
  write(refused(NOON - 30 * HOUR_MS, "550 5.7.1 too old"));
  write(sent(NOON - 13 * HOUR_MS, NOON - 13 * HOUR_MS));
  for (let n = 0; n < 49; n++) write(refused(NOON - HOUR_MS + n, `550 5.7.1 before ${n}`));
  const { made } = recent();
  const now = refused(NOON + 1, "550 5.7.1 now");
  made.hear(now);
  write(now);
  made.hear(refused(NOON + 2, "550 5.7.1 now too"));
  await made.readJournal(folder, NOON);
  expect(made.failures).toHaveLength(50);
  expect(made.failures.map(({ reason }) => reason)).toEqual([
    "550 5.7.1 now too",
    "550 5.7.1 now",
    ...Array.from({ length: 48 }, (_, n) => `550 5.7.1 before ${48 - n}`),
  ]);
  expect(made.hours().at(-1)?.refused).toBe(2);
  expect(made.hours().at(-2)?.refused).toBe(49);
  expect(made.hours().at(-14)?.bulk).toBe(1);
  expect(made.lastDeliveredMs).toBe(NOON - 13 * HOUR_MS);
});

test("a line that lacks what facts have hides no other, and what is not a list is none", async () => {
  const day = new Date(NOON).toISOString().slice(0, 10);
  const lines = [
    refused(NOON + 1, "550 5.7.1 first"),
    told(NOON + 2, { event: "deferred", reply: null, reason: "odd" }),
    told(NOON + 3, { event: "bounced", recipients: "x@y.example", reason: "odd too" }),
    refused(NOON + 4, "550 5.7.1 last"),
  ];
  const folder = folderWith({ [`${day}.jsonl`]: lines.map((line) => `${JSON.stringify(line)}\n`).join("") });
  const { made } = recent();
  await made.readJournal(folder, NOON + 5);
  expect(made.failures.map(({ reason }) => reason)).toEqual([
    "550 5.7.1 last",
    "odd too",
    "odd",
    "550 5.7.1 first",
  ]);
  for (const { recipients } of made.failures) expect(recipients).toEqual([]);
});
