import { expect, test } from "vitest";
import { contractYear, forecast, recentSpan } from "../../../src/schedule/contract-year.ts";

const DAY_MS = 86_400_000;
const at = (text: string) => Date.parse(text);
const days = (starts: string, time: string) => {
  const { fromMs, toMs } = contractYear(starts, at(time));
  return [
    new Date(fromMs).toISOString().slice(0, 10),
    new Date(toMs).toISOString().slice(0, 10),
    (toMs - fromMs) / DAY_MS,
  ];
};

test("a contract year begins at the first moment of its first day and ends when the next begins", () => {
  expect(days("07-01", "2026-07-01T00:00:00.000Z")).toEqual(["2026-07-01", "2027-07-01", 365]);
  expect(days("07-01", "2026-06-30T23:59:59.999Z")).toEqual(["2025-07-01", "2026-07-01", 365]);
  expect(days("01-01", "2026-12-31T23:59:59.999Z")).toEqual(["2026-01-01", "2027-01-01", 365]);
});

test("a contract year with a leap day in it has 366 days", () => {
  expect(days("07-01", "2027-08-01T00:00:00Z")).toEqual(["2027-07-01", "2028-07-01", 366]);
  expect(days("03-01", "2028-02-29T12:00:00Z")).toEqual(["2027-03-01", "2028-03-01", 366]);
  expect(days("03-01", "2028-03-01T00:00:00Z")).toEqual(["2028-03-01", "2029-03-01", 365]);
  expect(days("02-28", "2028-02-29T00:00:00Z")).toEqual(["2028-02-28", "2029-02-28", 366]);
});

test("the forecast goes straight on at the rate of the last 28 days", () => {
  const year = contractYear("07-01", at("2026-10-01T00:00:00Z"));
  const now = at("2026-10-01T00:00:00Z");
  const span = recentSpan(at("2026-01-01T00:00:00Z"), now);
  expect((span.toMs - span.fromMs) / DAY_MS).toBe(28);
  const left = (year.toMs - now) / DAY_MS;
  const found = forecast(
    year,
    { messages: 1000, bytes: 5000 },
    { span, amount: { messages: 280, bytes: 2800 }, shareOfAll: 1 },
  );
  expect(found).toEqual({ messages: 1000 + 10 * left, bytes: 5000 + 100 * left, days: 28 });
});

test("other hosts are taken to grow as this one does", () => {
  const year = contractYear("07-01", at("2027-06-30T00:00:00Z"));
  const now = at("2027-06-30T00:00:00Z");
  const span = recentSpan(0, now);
  const found = forecast(
    year,
    { messages: 4000, bytes: 0 },
    { span, amount: { messages: 28, bytes: 0 }, shareOfAll: 0.25 },
  );
  expect(found?.messages).toBe(4004);
});

test("less than a day of records is no ground for a forecast, one day is", () => {
  const year = contractYear("07-01", at("2026-07-10T00:00:00Z"));
  const now = at("2026-07-10T00:00:00Z");
  const of = (fromMs: number) =>
    forecast(
      year,
      { messages: 1, bytes: 1 },
      {
        span: recentSpan(fromMs, now),
        amount: { messages: 1, bytes: 1 },
        shareOfAll: 1,
      },
    );
  expect(of(now - DAY_MS + 1)).toBeUndefined();
  expect(of(now - DAY_MS)?.days).toBe(1);
});
