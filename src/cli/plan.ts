/**
 * `sluice plan`: which cap fits the recorded traffic: what each would make of peaks and delays.
 *
 * Promises: read from the ledger on disk; says from when to when it was recorded; `--svg` writes the same as a picture.
 * Refuses: to guess without records (a sentence; an empty array for `--json`), and a cap below 2 (64).
 */
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { defaultBurst } from "../config/layers.ts";
import { counted, grouped } from "../observe/figures.ts";
import { type Plan, planFor } from "../usage/plan.ts";
import { planChart } from "../usage/plan-chart.ts";
import { delayText, table, timeText } from "../usage/text.ts";
import { wholeNumber } from "./arguments.ts";
import { type ConfigOptions, withConfigOption } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";
import { jsonText } from "./json.ts";
import { accountsOf, NOTHING_YET, type Recorded, recorded } from "./usage-records.ts";

const EXAMPLE = `
Examples:
  sluice plan
  sluice plan --per-hour 500 1000 --svg plan.svg

Times are UTC. The mail is let through each cap as it came in, minute by minute, first come, first served: urgent mail
would wait less, and what the relay service defers is not in it. P95: one message in twenty waits longer.`;

interface Options extends ConfigOptions {
  perHour?: number[];
  account?: string;
  svg?: string;
  json?: true;
}

/** Adds the command. */
export function registerPlan(program: Command): void {
  withConfigOption(program.command("plan"))
    .description("replay recorded traffic against other caps: peak, delays and backlog of each")
    .option("--per-hour <count...>", "caps to try besides parts of the peak and the config's own", addCap)
    .option("--account <name>", "only this account")
    .option("--svg <file>", "write a chart as well")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLE)
    .action(plan);
}

async function plan(options: Options): Promise<void> {
  const known = await recorded(options);
  const plans = accountsOf(known, options.account).flatMap(
    (account) => planOf(known, account, options) ?? [],
  );
  if (options.svg !== undefined && plans.length > 0) await writeChart(options.svg, plans);
  if (options.json) {
    const rows = plans.flatMap(({ caps, from, to, messages, peakHour }) =>
      caps.map(({ row }) => ({ ...row, recorded: { from, to, messages, peakHour } })),
    );
    return console.log(jsonText(rows));
  }
  console.log(plans.length === 0 ? NOTHING_YET : plans.map(planText).join("\n\n"));
}

function planOf({ config, days }: Recorded, account: string, { perHour = [] }: Options): Plan | undefined {
  const pace = config.accounts.find(({ name }) => name === account)?.pace;
  const configured = pace?.kind === "paced" ? { perHour: pace.perHour, burst: pace.burst } : undefined;
  return planFor(days, { account, configured, perHour, defaultBurst });
}

async function writeChart(file: string, plans: readonly Plan[]): Promise<void> {
  await writeFile(file, planChart(plans)).catch((error: Error) => {
    throw new CommandError(exit.unavailable, `Cannot write the chart: ${error.message}; name another file`);
  });
}

function planText({ account, from, to, messages, peakHour, caps }: Plan): string {
  const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
  const head = `${account}: recorded from ${timeText(fromMs)} to ${timeText(toMs)} UTC (${delayText((toMs - fromMs) / 1000)}): ${counted(messages, "message")} came in, at most ${grouped(peakHour)} in any 60 minutes`;
  const rows = caps.map(({ row }) => [
    row.perHour,
    row.burst,
    row.peakHour,
    delayText(row.p95Delay),
    delayText(row.worstDelay),
    row.backlog,
    row.why === "part of the peak" ? "" : row.why,
  ]);
  const headings = ["PER HOUR", "BURST", "PEAK HOUR", "P95 DELAY", "WORST DELAY", "BACKLOG", ""];
  return [head, table(headings, rows)].join("\n");
}

function addCap(text: string, caps: readonly number[] = []): number[] {
  return [...caps, wholeNumber({ least: 2 })(text)];
}
