import { expect, test } from "vitest";
import { UsageDay } from "../../../src/usage/day.ts";
import { yearStanding } from "../../../src/usage/year.ts";

const DAY_MS = 86_400_000;
const NOW = Date.parse("2026-07-11T00:00:00Z");

/** `count` messages on each of these days. */
function daysFrom(first: string, days: number, count: number): UsageDay[] {
  return Array.from({ length: days }, (_, n) => {
    const atMs = Date.parse(first) + n * DAY_MS;
    const name = new Date(atMs).toISOString().slice(0, 10);
    const day = new UsageDay(name, { host: "app01", instance: "here" });
    const sum = { messages: count, recipients: count, bytes: 10 * count };
    day.sent({ atMs, account: "portal", sender: "a@lab.example", user: null, class: "bulk", ...sum });
    return day;
  });
}

const asked = {
  account: "portal",
  starts: "07-01",
  limits: { messages: 10_000 },
  hosts: () => new Map<string, { messages: number; bytes: number }>(),
};

test("the year counts from its first day, the forecast takes the last 28 days, those of the year before included", () => {
  const standing = yearStanding(daysFrom("2026-06-01", 40, 100), asked, NOW);
  expect(standing.used).toEqual({ messages: 1000, bytes: 10_000 });
  expect(standing.forecast).toEqual({ messages: 1000 + 355 * 100, bytes: 10_000 + 355 * 1000, days: 28 });
});

test("with fewer days on record the forecast says so", () => {
  const standing = yearStanding(daysFrom("2026-07-06", 5, 100), asked, NOW);
  expect(standing.forecast).toEqual({ messages: 500 + 355 * 100, bytes: 5000 + 355 * 1000, days: 5 });
  expect(standing.recordedFromMs).toBe(Date.parse("2026-07-06"));
});

test("the other hosts count, this one only once, and are taken to grow alike", () => {
  const hosts = () =>
    new Map([
      ["here", { messages: 1, bytes: 1 }],
      ["there", { messages: 3000, bytes: 30_000 }],
    ]);
  const standing = yearStanding(daysFrom("2026-07-01", 10, 100), { ...asked, hosts }, NOW);
  expect([standing.used.messages, standing.otherHosts]).toEqual([4000, 1]);
  expect(standing.forecast?.messages).toBe(4000 + 355 * 400);
});

test("nothing on record is no forecast", () => {
  expect(yearStanding([], asked, NOW)).toMatchObject({ used: { messages: 0 }, forecast: undefined });
});
