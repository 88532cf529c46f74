/**
 * The contract's year: what is left of it, day by day, and where that leads; one account and measure at a time.
 */
import type { AccountOverview, YearOverview } from "./api.ts";
import { type BurnDown, burnDown, type Measure } from "./burn-down.ts";
import { AXIS_FONT, Chart, type Drawing, type Ink } from "./chart.ts";
import { byId, el, Region, setText } from "./dom.ts";
import { bytes, compact, date, day, number, percent } from "./format.ts";

/** So much of the limit is shown below nothing; a forecast that goes deeper leaves the chart. */
const DEEPEST = 0.4;
const NARROW_PX = 420;

interface Choice {
  readonly account: string;
  readonly measure: Measure;
  readonly year: YearOverview;
}

let choices: readonly Choice[] = [];
let shown: { readonly choice: Choice; readonly lines: BurnDown } | undefined;
let nowMs = 0;

const card = byId("year");
const select = byId<HTMLSelectElement>("year-choice");
const options = new Region<readonly string[]>(select, (labels) =>
  labels.map((label) => el("option", {}, label)),
);
const verdict = byId("year-verdict");
const chart = new Chart(byId("year-chart"), byId("year-readout"), (index) => say(index));
select.addEventListener("change", draw);

/** Shows the card where any account has a limit for the year. */
export function showYear(accounts: readonly AccountOverview[], now: string): void {
  nowMs = Date.parse(now);
  choices = accounts.flatMap(({ name, year }) =>
    year === null
      ? []
      : (["messages", "bytes"] as const)
          .filter((measure) => year[measure].limit !== null)
          .map((measure) => ({ account: name, measure, year })),
  );
  card.hidden = choices.length === 0;
  if (card.hidden) return;
  const chosen = select.selectedIndex;
  options.show(choices.map(({ account, measure }) => `${account}: ${measure}`));
  select.selectedIndex = chosen >= 0 && chosen < choices.length ? chosen : 0;
  select.hidden = choices.length === 1;
  draw();
}

function draw(): void {
  const choice = choices[Math.max(0, select.selectedIndex)];
  const lines = choice && burnDown(choice.year, choice.measure, nowMs);
  if (!choice || !lines) return;
  shown = { choice, lines };
  const words = verdictOf(choice);
  setText(verdict, words.text);
  verdict.className = `verdict tone-${words.tone}`;
  chart.show(drawing(choice, lines));
}

function amount(measure: Measure, n: number): string {
  return measure === "bytes" ? bytes(n) : number(Math.round(n));
}

function verdictOf({ year, measure }: Choice): { text: string; tone: string } {
  const { used, limit, forecast } = year[measure];
  const by = date(Date.parse(year.to) - 1); // the year ends before its last moment
  if (limit === null) return { text: "", tone: "plain" };
  if (used >= limit) {
    const then = year.at === "hold" ? "mail is held" : "a warning, nothing is held";
    return { text: `✕ The year's limit is reached: ${then}.`, tone: "bad" };
  }
  if (forecast <= limit) return { text: `✓ At this pace it lasts until ${by}.`, tone: "good" };
  const over = amount(measure, forecast - limit);
  const then = year.at === "hold" ? " Mail will be held." : "";
  return { text: `▲ At this pace ${over} too much by ${by}.${then}`, tone: "waits" };
}

function say(index: number | undefined): void {
  if (!shown) return;
  const { choice, lines } = shown;
  const { used, limit, forecast } = choice.year[choice.measure];
  const is = (n: number) => amount(choice.measure, n);
  const at = index === undefined ? undefined : lines.at[index];
  const left = index === undefined ? undefined : (lines.left[index] ?? lines.forecast[index]);
  if (at === undefined || left === undefined || left === null) {
    const whole = `${is(used)} of ${is(limit ?? 0)} used (${percent(used, limit ?? 0)})`;
    setText(byId("year-readout"), `${choice.account} · ${whole} · forecast ${is(forecast)}`);
    return;
  }
  const word = lines.left[index ?? 0] === null ? "left, as forecast" : "left";
  setText(byId("year-readout"), `${date(at * 1000)} · ${is(left)} ${word}`);
}

function drawing({ account, measure, year }: Choice, lines: BurnDown): Drawing {
  const lowest = Math.min(0, ...[...lines.left, ...lines.forecast].map((n) => n ?? 0));
  const range: [number, number] = [Math.max(lowest * 1.05, -DEEPEST * lines.limit), lines.limit * 1.04];
  return {
    shape: JSON.stringify([account, measure, range, year.from, year.to]),
    data: [[...lines.at], [...lines.even], [...lines.left], [...lines.forecast]],
    options: (ink, width) => ({
      padding: [8, 8, 0, 0],
      scales: { x: { time: false, range: [lines.at[0] ?? 0, lines.at.at(-1) ?? 1] }, y: { range } },
      axes: axes(ink, { width, measure }),
      series: [
        {},
        { stroke: ink("muted"), width: 1, dash: [2, 4], points: { show: false } },
        { stroke: ink("bulk"), width: 2, fill: faint(ink("bulk")), fillTo: 0, points: { show: false } },
        { stroke: ink("urgent"), width: 2, dash: [6, 4], points: { show: false } },
      ],
      hooks: { drawAxes: [(plot) => drawLimit(plot, ink)] },
    }),
  };
}

function axes(ink: Ink, { width, measure }: { width: number; measure: Measure }): uPlot.Axis[] {
  const common = { stroke: ink("muted"), font: AXIS_FONT, ticks: { show: false } };
  return [
    {
      ...common,
      size: 26,
      grid: { show: false },
      splits: (plot) =>
        monthStarts(plot.scales.x?.min ?? 0, plot.scales.x?.max ?? 0, width < NARROW_PX ? 4 : 2),
      values: (_, splits) => splits.map((at) => day(at * 1000)),
    },
    {
      ...common,
      size: 56,
      gap: 6,
      grid: { stroke: ink("line"), width: 1 },
      values: (_, splits) => splits.map(measure === "bytes" ? bytes : compact),
    },
  ];
}

/** Every so many months, the first of the month, seconds. */
function monthStarts(from: number, to: number, every: number): number[] {
  const first = new Date(from * 1000);
  const starts: number[] = [];
  for (let months = 1; ; months += every) {
    const at = new Date(first.getFullYear(), first.getMonth() + months, 1).getTime() / 1000;
    if (at > to - 86_400 * 10) return starts;
    starts.push(at);
  }
}

/** Where nothing is left. */
function drawLimit({ ctx, bbox, valToPos }: uPlot, ink: Ink): void {
  const y = Math.round(valToPos(0, "y", true)) + 0.5;
  ctx.save();
  ctx.strokeStyle = ink("bad");
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

function faint(colour: string): string {
  return colour.replace(/^rgb\((.+)\)$/, "rgba($1, 0.14)");
}
