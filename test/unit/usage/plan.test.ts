import { expect, test } from "vitest";
import { UsageDay } from "../../../src/usage/day.ts";
import { planFor } from "../../../src/usage/plan.ts";
import { planChart } from "../../../src/usage/plan-chart.ts";

const START = Date.parse("2026-07-01T08:00:00Z");
const defaultBurst = (perHour: number) => Math.max(1, Math.floor(perHour / 100));

/** So many messages in each minute from eight o'clock on; `account` may hold what a chart must not take as it is. */
function morning(counts: readonly number[], account = "portal"): UsageDay {
  const day = new UsageDay("2026-07-01", { host: "app01", instance: "aaaaaaaaaaaa" });
  counts.forEach((count, minute) => {
    if (count > 0) day.accepted(account, START + minute * 60_000, count);
  });
  return day;
}

function plan(changes: { perHour?: number[]; configured?: { perHour: number; burst: number } } = {}) {
  const { perHour = [], configured } = changes;
  return planFor([morning([100, 100, 0, 100])], { account: "portal", configured, perHour, defaultBurst });
}

test("a plan says what span it had, and what each cap would make of it", () => {
  const found = plan();
  expect(found).toMatchObject({
    from: "2026-07-01T08:00:00.000Z",
    to: "2026-07-01T08:04:00.000Z",
    messages: 300,
    peakHour: 300,
  });
  const rows = found?.caps.map(({ row }) => row) ?? [];
  expect(rows.map(({ perHour }) => perHour)).toEqual([75, 150, 230, 300]);
  for (const row of rows) expect(row.peakHour).toBeLessThanOrEqual(row.perHour);
  const worst = rows.map(({ worstDelay }) => worstDelay);
  expect(worst).toEqual([...worst].sort((a, b) => b - a));
});

test("the config's own cap stands in the list with its burst, and so does what was asked for", () => {
  const rows = plan({ perHour: [100, 150], configured: { perHour: 100, burst: 50 } })?.caps.map(
    ({ row }) => row,
  );
  expect(rows?.map(({ perHour, burst, why }) => [perHour, burst, why])).toEqual([
    [75, 1, "part of the peak"],
    [100, 50, "configured"],
    [150, 1, "asked"],
    [230, 2, "part of the peak"],
    [300, 3, "part of the peak"],
  ]);
});

test("without anything accepted there is no plan", () => {
  expect(
    planFor([], { account: "portal", configured: undefined, perHour: [5], defaultBurst }),
  ).toBeUndefined();
  const other = planFor([morning([5])], {
    account: "other",
    configured: undefined,
    perHour: [],
    defaultBurst,
  });
  expect(other).toBeUndefined();
});

test("the chart has the traffic, a line for each cap and its figures, in one panel an account", () => {
  const found = plan({ configured: { perHour: 100, burst: 1 } });
  const svg = planChart(found ? [found, { ...found, account: "<script>&" }] : []);
  expect(svg.match(/<path [^>]*stroke-width="1.5"/g)).toHaveLength(2 * 5);
  expect(svg).toContain("perHour 100 (configured)");
  expect(svg).toContain("&lt;script&gt;&amp;: messages in each hour");
  expect(svg).toContain('viewBox="0 0 960 640"');
  expect(svg).not.toMatch(/NaN|undefined|Infinity|<script|href|url\(/);
  const open = svg.match(/<[a-z]+/g)?.length ?? 0;
  expect((svg.match(/<\/[a-z]+>/g)?.length ?? 0) + (svg.match(/\/>/g)?.length ?? 0)).toBe(open);
});

test("a chart of a year is no larger than one of a month", () => {
  const days = Array.from({ length: 365 }, (_, n) => {
    const name = new Date(START + n * 86_400_000).toISOString().slice(0, 10);
    const day = new UsageDay(name, { host: "app01", instance: "aaaaaaaaaaaa" });
    for (let hour = 0; hour < 24; hour++)
      day.accepted("portal", Date.parse(name) + hour * 3_600_000, 1 + ((n * hour) % 37));
    return day;
  });
  const chart = (from: readonly UsageDay[]) => {
    const found = planFor(from, { account: "portal", configured: undefined, perHour: [], defaultBurst });
    return planChart(found ? [found] : []).length;
  };
  expect(chart(days)).toBeLessThan(1.5 * chart(days.slice(0, 28)));
});
