import { expect, test } from "vitest";
import { ageText, clock, counted, grouped, sizeText, timeOfDay } from "../../../src/observe/figures.ts";

test("counts stand in groups of three, sizes in powers of ten, ages in the units of the config", () => {
  expect([0, 999, 1000, 1_000_000].map(grouped)).toEqual(["0", "999", "1,000", "1,000,000"]);
  expect([1, 0, 1200].map((count) => counted(count, "message"))).toEqual([
    "1 message",
    "0 messages",
    "1,200 messages",
  ]);
  expect([0, 999, 1000, 12_345_678, 2e12].map(sizeText)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "12.3 MB",
    "2.0 TB",
  ]);
  expect([0, 119, 120, 7200, 200_000].map(ageText)).toEqual(["0s", "119s", "2m", "2h", "2d"]);
});

test("times are local, to the second", () => {
  const at = new Date(2026, 2, 31, 9, 4, 7);
  expect(timeOfDay(at)).toBe("09:04:07");
  expect(clock(at.toISOString())).toBe("2026-03-31 09:04:07");
});
