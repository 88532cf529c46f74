/** The sliding hour. */
import { expect, test } from "vitest";
import { HourlyLimit } from "../../../src/sandbox/hourly-limit.ts";

const HOUR_MS = 3600_000;

test("an hour takes what it may, and no more in any 60 minutes", () => {
  const hour = new HourlyLimit(2);
  expect([hour.take(0), hour.take(10), hour.take(20)]).toEqual(["taken", "taken", "full"]);
  expect(hour.take(HOUR_MS - 1)).toBe("full");
  expect(hour.take(HOUR_MS)).toBe("taken");
  expect(hour.isFull(HOUR_MS + 9)).toBe(true);
  expect(hour.isFull(HOUR_MS + 10)).toBe(false);
});
