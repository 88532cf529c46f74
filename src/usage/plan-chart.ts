/**
 * The plan as a picture: what came in each hour, and what each cap would have let out. SVG, for a file or a page.
 *
 * Promises: pure; one text without links, scripts or fonts of others; readable on light and dark pages; a span of any length
 * fits, several hours share a column then and it shows the busiest of them.
 */

import { grouped } from "../observe/figures.ts";
import { HOUR_MS } from "../schedule/pace.ts";
import type { Arrivals } from "../schedule/replay.ts";
import type { Plan } from "./plan.ts";
import { delayText, timeText } from "./text.ts";

const WIDTH = 960;
const PANEL = { height: 320, left: 64, right: 250, top: 44, bottom: 40 } as const;
const MOST_COLUMNS = 600;
/** Colours that can be told apart without red against green. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/** One panel below the other. */
export function planChart(plans: readonly Plan[]): string {
  const height = Math.max(1, plans.length) * PANEL.height;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" fill="#666">`,
    ...plans.flatMap((plan, i) => [
      `<g transform="translate(0 ${i * PANEL.height})">`,
      ...panel(plan),
      "</g>",
    ]),
    "</svg>",
    "",
  ].join("\n");
}

interface Scale {
  readonly firstHour: number;
  readonly hoursPerColumn: number;
  readonly columns: number;
  readonly x: (column: number) => number;
  readonly y: (count: number) => number;
}

function panel(plan: Plan): string[] {
  const scale = scaleOf(plan);
  const { x, y, columns } = scale;
  const came = columnsOf(plan.arrivals, scale);
  const [left, right, floor] = [x(0), x(columns), y(0)];
  const area = `M${left} ${floor}${steps(came, scale)}V${floor}Z`;
  return [
    `<text x="${left}" y="18" font-size="15">${escaped(plan.account)}: messages in each hour</text>`,
    ...gridLines(scale, Math.max(...came)),
    `<path d="${area}" fill="#999" fill-opacity="0.35"/>`,
    ...plan.caps.map(({ departures }, i) => {
      const line = `M${left} ${floor}${steps(columnsOf(departures, scale), scale)}`;
      return `<path d="${line}" fill="none" stroke="${colour(i)}" stroke-width="1.5"/>`;
    }),
    `<text x="${left}" y="${floor + 18}">${timeText(scale.firstHour * HOUR_MS)} UTC</text>`,
    `<text x="${right}" y="${floor + 18}" text-anchor="end">${timeText((scale.firstHour + columns * scale.hoursPerColumn) * HOUR_MS)}</text>`,
    ...legend(plan, right + 16),
  ];
}

function scaleOf({ arrivals, caps }: Plan): Scale {
  const hourOf = (minute = 0) => Math.floor(minute / 60);
  const firstHour = hourOf(arrivals[0]?.[0]);
  const hours = hourOf(arrivals.at(-1)?.[0]) - firstHour + 1;
  // What a small cap lets out long after is not worth squeezing the rest for.
  const last = Math.max(
    ...caps.map(({ departures }) => hourOf(departures.at(-1)?.[0]) - firstHour + 1),
    hours,
  );
  const shown = Math.min(last, Math.ceil(hours * 1.25));
  const hoursPerColumn = Math.ceil(shown / MOST_COLUMNS);
  const columns = Math.ceil(shown / hoursPerColumn);
  const base = { firstHour, hoursPerColumn, columns };
  const most = Math.max(1, ...columnsOf(arrivals, base));
  const [wide, high] = [WIDTH - PANEL.left - PANEL.right, PANEL.height - PANEL.top - PANEL.bottom];
  return {
    ...base,
    x: (column) => rounded(PANEL.left + (column * wide) / columns),
    y: (count) => rounded(PANEL.height - PANEL.bottom - (Math.min(count, most) * high) / most),
  };
}

/** The busiest hour of each column. */
function columnsOf(
  counts: Arrivals,
  scale: Pick<Scale, "firstHour" | "hoursPerColumn" | "columns">,
): number[] {
  const hours = new Map<number, number>();
  for (const [minute, count] of counts) {
    const hour = Math.floor(minute / 60) - scale.firstHour;
    hours.set(hour, (hours.get(hour) ?? 0) + count);
  }
  const columns = new Array<number>(scale.columns).fill(0);
  for (const [hour, count] of hours) {
    const column = Math.floor(hour / scale.hoursPerColumn);
    if (column < columns.length) columns[column] = Math.max(columns[column] as number, count);
  }
  return columns;
}

function steps(counts: readonly number[], { x, y }: Scale): string {
  return counts.map((count, i) => `V${y(count)}H${x(i + 1)}`).join("");
}

function gridLines({ x, y, columns }: Scale, most: number): string[] {
  return [0, Math.round(most / 2), most].flatMap((count) => [
    `<path d="M${x(0)} ${y(count)}H${x(columns)}" stroke="#999" stroke-opacity="0.4"/>`,
    `<text x="${x(0) - 6}" y="${y(count) + 4}" text-anchor="end">${grouped(count)}</text>`,
  ]);
}

function legend(plan: Plan, left: number): string[] {
  const came = `came in: ${grouped(plan.peakHour)} in any 60 min`;
  const entry = (i: number, fill: string, lines: readonly string[]) => {
    const top = PANEL.top + i * 34;
    return [
      `<rect x="${left}" y="${top}" width="12" height="12" fill="${fill}"/>`,
      ...lines.map((line, n) => `<text x="${left + 18}" y="${top + 10 + n * 14}">${escaped(line)}</text>`),
    ];
  };
  return [
    ...entry(0, "#bbb", [came]),
    ...plan.caps.flatMap(({ row }, i) =>
      entry(i + 1, colour(i), [
        `perHour ${grouped(row.perHour)}${row.why === "configured" ? " (configured)" : ""}`,
        `95 % within ${delayText(row.p95Delay)}, worst ${delayText(row.worstDelay)}`,
      ]),
    ),
  ];
}

function colour(i: number): string {
  return COLOURS[i % COLOURS.length] as string;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
