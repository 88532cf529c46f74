import fc from "fast-check";
import { expect, test } from "vitest";
import { dayOf, UsageDay } from "../../../src/usage/day.ts";
import { type RowsWanted, usageRows } from "../../../src/usage/rows.ts";

const ORIGIN = { host: "app01", instance: "aaaaaaaaaaaa" };
const at = (text: string) => Date.parse(`${text}Z`);

interface Mail {
  readonly at: string | number;
  readonly count?: number;
  readonly sender?: string;
  readonly account?: string;
}

function daysWith(...mail: readonly Mail[]): UsageDay[] {
  const days = new Map<string, UsageDay>();
  for (const { at: time, count = 1, sender = "a@lab.example", account = "portal" } of mail) {
    const atMs = typeof time === "number" ? time : at(time);
    const name = dayOf(atMs);
    const day = days.get(name) ?? new UsageDay(name, ORIGIN);
    days.set(name, day);
    const sum = { messages: count, recipients: 2 * count, bytes: 100 * count };
    day.sent({ atMs, account, sender, user: null, class: "bulk", ...sum });
  }
  return [...days.values()].sort((a, b) => (a.day < b.day ? -1 : 1));
}

const wanted = (changes: Partial<RowsWanted>): RowsWanted => ({
  by: "hour",
  starts: () => "07-01",
  ...changes,
});

test("a day names a hundred local users, those that come later share a row, and a file says the same", () => {
  let day = new UsageDay("2026-07-01", ORIGIN);
  const send = (user: string | null) => {
    const sum = { messages: 1, recipients: 1, bytes: 100 };
    const mail = { account: "portal", sender: "a@lab.example", class: "bulk" } as const;
    day.sent({ atMs: at("2026-07-01T10:00:00"), ...mail, user, ...sum });
  };
  for (let n = 0; n < 60; n++) send(`student${n}`);
  day = UsageDay.parse(day.toText({})) as UsageDay;
  for (let n = 59; n < 300; n++) send(`student${n}`);
  send(null);
  send("student0");
  const rows = usageRows([day], wanted({ by: "day", part: "user" }));
  expect(rows).toHaveLength(102);
  const of = (user: string | null) => rows.find((row) => row.user === user)?.messages;
  expect([null, "student0", "student59", "student99", "student100", "(others)"].map(of)).toEqual([
    1,
    2,
    2,
    1,
    undefined,
    200,
  ]);
});

test("the rolling peak of an hour may have begun in the hour before, even on the day before", () => {
  const days = daysWith(
    { at: "2026-07-01T23:40:00", count: 10 },
    { at: "2026-07-02T00:20:00", count: 15 },
    { at: "2026-07-02T00:50:00", count: 1 },
  );
  expect(usageRows(days, wanted({}))).toMatchObject([
    { from: "2026-07-01T23:00:00.000Z", messages: 10, peakHour: 10, peakClockHour: 10 },
    {
      from: "2026-07-02T00:00:00.000Z",
      messages: 16,
      peakHour: 25,
      peakHourEnded: "2026-07-02T00:21:00.000Z",
      peakHourRecipients: 50,
      peakHourBytes: 2500,
      peakClockHour: 16,
    },
  ]);
});

test("mail sixty minutes apart is never in one hour's peak", () => {
  const days = daysWith({ at: "2026-07-01T10:00:00", count: 5 }, { at: "2026-07-01T11:00:00", count: 5 });
  expect(usageRows(days, wanted({ by: "day" }))).toMatchObject([{ messages: 10, peakHour: 5 }]);
});

test("contract years part at their first day, months and days at midnight UTC", () => {
  const days = daysWith(
    { at: "2026-06-30T23:59:59" },
    { at: "2026-07-01T00:00:00", count: 2 },
    { at: "2028-02-29T12:00:00", count: 4 },
  );
  const spans = (by: RowsWanted["by"]) =>
    usageRows(days, wanted({ by })).map(({ from, to, messages }) => [
      from.slice(0, 10),
      to.slice(0, 10),
      messages,
    ]);
  expect(spans("year")).toEqual([
    ["2025-07-01", "2026-07-01", 1],
    ["2026-07-01", "2027-07-01", 2],
    ["2027-07-01", "2028-07-01", 4],
  ]);
  expect(spans("month")).toEqual([
    ["2026-06-01", "2026-07-01", 1],
    ["2026-07-01", "2026-08-01", 2],
    ["2028-02-01", "2028-03-01", 4],
  ]);
});

test("rows can be split by sender, then they have no rolling peak", () => {
  const days = daysWith(
    { at: "2026-07-01T10:00:00", count: 3 },
    { at: "2026-07-01T10:30:00", sender: "b@lab.example" },
    { at: "2026-07-01T10:30:00", account: "other" },
  );
  const rows = usageRows(days, wanted({ by: "day", part: "sender", account: "portal" }));
  expect(rows).toMatchObject([
    { account: "portal", sender: "a@lab.example", host: null, messages: 3, peakClockHour: 3, peakHour: null },
    { account: "portal", sender: "b@lab.example", host: null, messages: 1, peakClockHour: 1, peakHour: null },
  ]);
  expect(usageRows(days, wanted({ by: "day", part: "host" }))).toHaveLength(2);
});

test("however the mail is cut into rows, nothing is lost, and no peak is below a clock hour's or above any true one", () => {
  const start = at("2026-06-30T00:00:00");
  const mail = fc.array(
    fc.record({
      at: fc.nat(4 * 1440).map((minute) => start + minute * 60_000),
      count: fc.integer({ min: 1, max: 9 }),
    }),
    { minLength: 1, maxLength: 60 },
  );
  fc.assert(
    fc.property(mail, fc.constantFrom("hour", "day", "month", "year"), (sent, by) => {
      const rows = usageRows(daysWith(...sent), wanted({ by }));
      const all = sent.reduce((sum, { count }) => sum + count, 0);
      expect(rows.reduce((sum, { messages }) => sum + messages, 0)).toBe(all);
      const windows = sent.map(({ at: end }) =>
        sent
          .filter(({ at: one }) => one <= end && one > end - 3_600_000)
          .reduce((sum, { count }) => sum + count, 0),
      );
      const peak = Math.max(...rows.map(({ peakHour }) => peakHour ?? 0));
      expect(peak).toBe(Math.max(...windows));
      for (const { peakHour, peakClockHour } of rows)
        expect(peakHour ?? 0).toBeGreaterThanOrEqual(peakClockHour);
    }),
  );
});
