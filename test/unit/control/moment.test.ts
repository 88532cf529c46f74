import { expect, test } from "vitest";
import { parseMoment } from "../../../src/control/moment.ts";

const NOW = new Date(2026, 2, 31, 15, 30).getTime();
const at = (...parts: [number, number, number, number?, number?, number?]) =>
  new Date(parts[0], parts[1] - 1, parts[2], ...parts.slice(3)).getTime();

test("a time of day is today, to the end of its minute or second", () => {
  expect(parseMoment("9:14", NOW)).toEqual({
    fromMs: at(2026, 3, 31, 9, 14),
    toMs: at(2026, 3, 31, 9, 15) - 1,
  });
  expect(parseMoment("09:14:05", NOW)).toEqual({
    fromMs: at(2026, 3, 31, 9, 14, 5),
    toMs: at(2026, 3, 31, 9, 14, 6) - 1,
  });
});

test("a date is that day, all of it; with a time it is that minute", () => {
  expect(parseMoment("2026-03-05", NOW)).toEqual({ fromMs: at(2026, 3, 5), toMs: at(2026, 3, 6) - 1 });
  const minute = { fromMs: at(2026, 3, 5, 23, 59), toMs: at(2026, 3, 6) - 1 };
  expect(parseMoment("2026-03-05 23:59", NOW)).toEqual(minute);
  expect(parseMoment("2026-03-05T23:59", NOW)).toEqual(minute);
});

test("a length of time is so long ago, and a time with a zone is what it says", () => {
  expect(parseMoment("2h", NOW)).toEqual({ fromMs: NOW - 7_200_000, toMs: NOW - 7_200_000 });
  expect(parseMoment("3d", NOW)?.fromMs).toBe(NOW - 3 * 86_400_000);
  expect(parseMoment("2026-03-31T09:14:00.250Z", NOW)?.fromMs).toBe(Date.UTC(2026, 2, 31, 9, 14, 0, 250));
  expect(parseMoment("2026-03-31T09:14:00+02:00", NOW)?.fromMs).toBe(Date.UTC(2026, 2, 31, 7, 14));
});

test.each([
  "",
  "yesterday",
  "9",
  "24:00",
  "9:60",
  "9:14:60",
  "2026-02-30",
  "2026-13-01",
  "31.03.2026",
  "2",
  "-2h",
  "9:14 pm",
])("%j is no moment", (text) => {
  expect(parseMoment(text, NOW)).toBeUndefined();
});
