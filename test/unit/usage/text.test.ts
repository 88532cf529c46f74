import { expect, test } from "vitest";
import { csv, delayText, table, timeText } from "../../../src/usage/text.ts";

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

test("delays and times are short", () => {
  expect([0, 119, 120, 7200, 200_000].map(delayText)).toEqual(["0s", "119s", "2m", "2.0h", "2.3d"]);
  expect(timeText(Date.parse("2026-07-01T13:05:59Z"))).toBe("2026-07-01 13:05");
});
