import { expect, test } from "vitest";
import { lastLine, queueTable } from "../../../src/control/queue-table.ts";
import { statsText } from "../../../src/control/queue-text.ts";
import type { QueueRow } from "../../../src/control/queue-view.ts";

const NOW = new Date(2030, 0, 1, 12, 0, 0).getTime();

const row = (changes: Partial<QueueRow> = {}): QueueRow => ({
  id: "1m84xr46400t1k",
  state: "incoming",
  age: 90,
  size: 56_000,
  sender: "app@lab.example",
  recipients: ["bob@example.org", "carol@example.org"],
  account: "portal",
  user: null,
  nextAttempt: new Date(NOW + 60_000).toISOString(),
  reason: "451 4.7.1 greylisted, come back in a moment or two, or whenever it pleases you",
  ...changes,
});
const STATS = {
  states: { incoming: 99_985, active: 0, deferred: 12, held: 3, bounced: 0 },
  oldest: 90,
  budget: { portal: { used: 412, perHour: 500 }, crm: null },
};

test("piped, a line is as long as it is: nothing is cut, times are whole", () => {
  const [headings, line] = queueTable([row()], { nowMs: NOW });
  expect(headings).toMatch(/^ID {14}STATE {5}AGE {2}SIZE {2}SENDER {11}RECIPIENTS {10}NEXT {17}REASON$/);
  expect(line).toBe(
    "1m84xr46400t1k  incoming  90s  56k   app@lab.example  bob@example.org +1  2030-01-01 12:01:00  " +
      "451 4.7.1 greylisted, come back in a moment or two, or whenever it pleases you",
  );
});

test.each([200, 132, 100, 80, 60, 40, 20])("on a terminal of %i columns no line is longer", (width) => {
  const lines = queueTable(
    [row(), row({ sender: `${"x".repeat(250)}@lab.example`, user: "www-data", reason: null })],
    { width, nowMs: NOW },
  );
  expect(lines).toHaveLength(3);
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(width);
  expect(lines[1]).toMatch(width < 20 ? /^1m84/ : /^1m84xr46400t1k/);
});

test("the reason gives way first, then the recipients; a time today is a time of day", () => {
  const [, line] = queueTable([row()], { width: 100, nowMs: NOW });
  expect(line).toContain("app@lab.example  bob@example.org +1  12:01:00  451 4.7");
  expect(line).toMatch(/…$/);
  const tomorrow = row({ nextAttempt: new Date(NOW + 2 * 86_400_000).toISOString() });
  expect(queueTable([tomorrow], { width: 100, nowMs: NOW })[1]).toContain("  01-03 12:00  ");
});

test("the user stands there only when some row has one", () => {
  expect(queueTable([row()], { nowMs: NOW })[0]).not.toContain("USER");
  const [headings, first, second] = queueTable([row(), row({ user: "www-data" })], { nowMs: NOW });
  expect(headings).toContain("  USER      SENDER");
  expect([first, second]).toEqual([
    expect.stringContaining("  -         app@"),
    expect.stringContaining("  www-data  app@"),
  ]);
});

test("no byte of a stranger reaches the terminal as it came", () => {
  const hostile = "\x1b]0;owned\x07\x9b31m\r\n\u202e<b>";
  const lines = queueTable(
    [row({ sender: hostile, recipients: [hostile], reason: hostile, user: hostile })],
    {
      nowMs: NOW,
    },
  );
  expect(lines).toHaveLength(2);
  expect(lines.join("")).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/);
  expect(lines[1]).toContain("\\x1b]0;owned\\x07\\x9b31m / \\u202e<b>");
});

test("the last line sums up what is in the queue", () => {
  const shown = { more: false, filtered: false };
  expect(lastLine({ ...shown, rows: [] })).toBe("Queue is empty.");
  expect(lastLine({ ...shown, rows: [row()] })).toBe("-- 1 message, 56.0 kB in queue");
  const rows = [row(), row({ state: "held", size: 5_544_000 }), row({ state: "deferred" })];
  expect(lastLine({ ...shown, rows, stats: STATS })).toBe(
    "-- 3 messages, 5.7 MB in queue; 1 deferred, 1 held; budget portal 412/500 this hour",
  );
  expect(lastLine({ ...shown, rows, more: true, stats: STATS })).toBe(
    "-- 3 of 100,000 messages shown: see --limit; 12 deferred, 3 held; budget portal 412/500 this hour",
  );
  expect(lastLine({ ...shown, rows, more: true })).toBe("-- 3 messages shown, more in queue: see --limit");
});

test("with a filter the last line says what matched, nothing of the rest", () => {
  expect(lastLine({ rows: [], more: false, filtered: true })).toBe("No message in the queue matches.");
  expect(lastLine({ rows: [row()], more: false, filtered: true })).toBe("-- 1 message matches, 56.0 kB");
  expect(lastLine({ rows: [row()], more: true, filtered: true })).toBe(
    "-- 1 message shown, more match: see --limit",
  );
});

test("stats are a line each, with the budget where it is known", () => {
  expect(statsText(STATS).split("\n")).toEqual([
    "incoming    99,985",
    "active           0",
    "deferred        12",
    "held             3",
    "bounced          0",
    "oldest         90s",
    "budget    portal 412/500 this hour",
  ]);
});
