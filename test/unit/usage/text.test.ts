import { expect, test } from "vitest";
import { csv, delayText, grouped, sizeText, table, timeText } from "../../../src/usage/text.ts";

test("CSV quotes what RFC 4180 wants quoted, and gives a spreadsheet no formula", () => {
  const rows = [
    { sender: 'a"b,c@lab.example', count: -1, user: null },
    { sender: "=cmd()@lab.example", count: 2, user: "www-data" },
  ];
  expect(csv(rows, ["sender", "count", "user"])).toBe(
    'sender,count,user\r\n"a""b,c@lab.example",-1,\r\n\'=cmd()@lab.example,2,www-data\r\n',
  );
  expect(csv([], ["sender" as never])).toBe("sender\r\n");
});

test("a table has numbers to the right, in groups of three", () => {
  expect(
    table(
      ["ACCOUNT", "MESSAGES"],
      [
        ["portal", 1234567],
        ["a", 5],
      ],
    ),
  ).toBe("ACCOUNT   MESSAGES\nportal   1,234,567\na                5");
});

test("sizes, delays and times are short", () => {
  expect([0, 999, 1000, 12_345_678, 2e12].map(sizeText)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "12.3 MB",
    "2.0 TB",
  ]);
  expect([0, 119, 120, 7200, 200_000].map(delayText)).toEqual(["0 s", "119 s", "2 min", "2.0 h", "2.3 d"]);
  expect([0, 999, 1000, 1_000_000].map(grouped)).toEqual(["0", "999", "1,000", "1,000,000"]);
  expect(timeText(Date.parse("2026-07-01T13:05:59Z"))).toBe("2026-07-01 13:05");
});
