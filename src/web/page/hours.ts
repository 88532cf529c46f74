/**
 * The last 24 hours, an hour a bar: bulk below, urgent above it, refused as a mark on top, the cap as a line.
 *
 * Promises: hours in the reader's time zone; what the pointer or the arrow keys are on stands in words above the chart,
 * and all of it in a table below.
 */
import type { HourOverview } from "./api.ts";
import { AXIS_FONT, Chart, type Drawing, type Ink } from "./chart.ts";
import { byId, el, Region, setText } from "./dom.ts";
import { compact, hourOfDay, number } from "./format.ts";

/** Above so many times the busiest hour, the cap would flatten the bars: it is named at the top instead. */
const CAP_OUT_OF_SIGHT = 8;
const NARROW_PX = 480;
const CAP_LABEL_PX = 24;

let hours: readonly HourOverview[] = [];
const chart = new Chart(byId("hours-chart"), byId("hours-readout"), (index) => say(index));
const table = new Region(byId("hours-table"), tableRows);
const empty = byId("hours-empty");

export function showHours(shown: readonly HourOverview[]): void {
  hours = shown;
  chart.show(drawing(shown));
  table.show(shown);
  empty.hidden = shown.some((hour) => total(hour) + hour.refused > 0);
}

function total({ urgent, bulk }: HourOverview): number {
  return urgent + bulk;
}

function say(index: number | undefined): void {
  const hour = index === undefined ? undefined : hours[index];
  setText(byId("hours-readout"), hour ? hourWords(hour) : dayWords());
}

function hourWords(hour: HourOverview): string {
  const until = hourOfDay(Date.parse(hour.at) + 3_600_000);
  const refused = hour.refused === 0 ? "" : ` · ${number(hour.refused)} refused`;
  const cap = hour.cap === null ? "no cap" : `cap ${number(hour.cap)}`;
  const sent = `${number(total(hour))} sent: ${number(hour.urgent)} urgent, ${number(hour.bulk)} bulk`;
  return `${hourOfDay(hour.at)}–${until} · ${sent}${refused} · ${cap}`;
}

function dayWords(): string {
  const sum = (of: (hour: HourOverview) => number) => hours.reduce((so, hour) => so + of(hour), 0);
  const refused = sum((hour) => hour.refused);
  if (sum(total) === 0)
    return refused === 0 ? "Nothing sent, nothing refused" : `Nothing sent · ${number(refused)} refused`;
  const busiest = hours.reduce((a, b) => (total(b) > total(a) ? b : a));
  const peak = `busiest ${hourOfDay(busiest.at)} with ${number(total(busiest))}`;
  return `${number(sum(total))} sent · ${number(refused)} refused · ${peak}`;
}

function drawing(shown: readonly HourOverview[]): Drawing {
  const peak = Math.max(0, ...shown.map(total));
  const caps = shown.map(({ cap }) => cap);
  const highest = Math.max(0, ...caps.map((cap) => cap ?? 0));
  const isCapInSight = highest > 0 && (peak === 0 || highest <= peak * CAP_OUT_OF_SIGHT);
  const top = Math.max(4, peak * 1.18, isCapInSight ? highest * 1.12 : 0);
  return {
    shape: JSON.stringify([shown.map(({ at }) => at), top, highest, isCapInSight]),
    data: [
      shown.map((_, i) => i),
      shown.map(total),
      shown.map(({ bulk }) => bulk),
      isCapInSight ? caps : caps.map(() => null),
    ],
    options: (ink, width) => ({
      padding: [isCapInSight || highest === 0 ? 8 : CAP_LABEL_PX, 4, 0, 0],
      scales: { x: { time: false, range: [-0.6, shown.length - 0.4] }, y: { range: [0, top] } },
      axes: axes(ink, width),
      series: [{}, bars(ink("urgent")), bars(ink("bulk")), capLine(ink)],
      hooks: { draw: [(plot) => drawMarks(plot, ink, isCapInSight ? 0 : highest)] },
    }),
  };
}

function axes(ink: Ink, width: number): uPlot.Axis[] {
  const step = width < NARROW_PX ? 6 : 3;
  const common = { stroke: ink("muted"), font: AXIS_FONT, ticks: { show: false } };
  return [
    {
      ...common,
      size: 26,
      grid: { show: false },
      splits: () => hours.map((_, i) => i).filter((i) => new Date(hours[i]?.at ?? 0).getHours() % step === 0),
      values: (_, splits) => splits.map((i) => hourOfDay(hours[i]?.at ?? 0)),
    },
    {
      ...common,
      size: 48,
      gap: 6,
      grid: { stroke: ink("line"), width: 1 },
      incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6, 1e7],
      values: (_, splits) => splits.map(compact),
    },
  ];
}

function bars(fill: string): uPlot.Series {
  const paths = uPlot.paths.bars?.({ size: [0.72, 40], radius: [0.12, 0] });
  return { fill, stroke: fill, width: 0, points: { show: false }, ...(paths ? { paths } : {}) };
}

function capLine(ink: Ink): uPlot.Series {
  const paths = uPlot.paths.stepped?.({ align: 1 });
  return {
    stroke: ink("ink"),
    width: 1.5,
    dash: [5, 4],
    points: { show: false },
    ...(paths ? { paths } : {}),
  };
}

/** Refused mail as a diamond above its hour, with the number where there is room; a cap that is out of sight, by name. */
function drawMarks(plot: uPlot, ink: Ink, capOutOfSight: number): void {
  const { ctx, bbox } = plot;
  const dpr = devicePixelRatio;
  ctx.save();
  ctx.font = `${11 * dpr}px system-ui, sans-serif`;
  ctx.textAlign = "center";
  ctx.textBaseline = "bottom";
  ctx.fillStyle = ink("bad");
  const isRoomy = bbox.width / dpr / hours.length > 20;
  for (const [i, hour] of hours.entries()) {
    if (hour.refused === 0) continue;
    const x = plot.valToPos(i, "x", true);
    const y = plot.valToPos(total(hour), "y", true) - 7 * dpr;
    const r = 4 * dpr;
    ctx.beginPath();
    ctx.moveTo(x, y - r);
    for (const [dx, dy] of [
      [r, 0],
      [0, r],
      [-r, 0],
    ] as const)
      ctx.lineTo(x + dx, y + dy);
    ctx.fill();
    if (isRoomy) ctx.fillText(compact(hour.refused), x, y - r - dpr);
  }
  if (capOutOfSight > 0) {
    ctx.fillStyle = ink("muted");
    ctx.textAlign = "right";
    ctx.textBaseline = "bottom";
    ctx.fillText(`cap ${number(capOutOfSight)} ↑`, bbox.left + bbox.width - 4 * dpr, bbox.top - 6 * dpr);
  }
  ctx.restore();
}

function tableRows(shown: readonly HourOverview[]): HTMLElement[] {
  return shown
    .toReversed()
    .map((hour) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, hourOfDay(hour.at)),
        ...[hour.urgent, hour.bulk, hour.refused].map((n) => el("td", {}, number(n))),
        el("td", {}, hour.cap === null ? "none" : number(hour.cap)),
      ),
    );
}
