import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDuration, formatSize, parseDuration, parseSize } from "../../../src/config/units.ts";

describe("sizes", () => {
  test.each([
    ["5MB", 5_000_000],
    ["5MiB", 5_242_880],
    ["5 mb", 5_000_000],
    ["1.1MB", 1_100_000],
    ["500kB", 500_000],
    ["2GiB", 2_147_483_648],
    ["4096", 4096],
    [4096, 4096],
    ["17B", 17],
  ])("%s is %d bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(["5M", "", "MB", "-5MB", "5MB!", "0.3B", "1e6", "5 MB MB", "9999999TB", 1.5, -1])(
    "%s is refused",
    (text) => {
      expect(parseSize(text)).toBeUndefined();
    },
  );
});

describe("durations", () => {
  test.each([
    ["500ms", 500],
    ["30s", 30_000],
    ["10m", 600_000],
    ["1.5h", 5_400_000],
    ["4d", 345_600_000],
  ])("%s is %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(["30", "4w", "", "h", "-1h", "1h30m"])("%s is refused", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

test("what is written is read back as the same number", () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 48 }), (value) => {
      expect(parseSize(formatSize(value))).toBe(value);
      expect(parseDuration(formatDuration(value))).toBe(value);
    }),
  );
  expect([formatSize(5_000_000), formatSize(5_242_880), formatDuration(3_600_000)]).toEqual([
    "5MB",
    "5MiB",
    "1h",
  ]);
});
