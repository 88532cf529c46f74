/**
 * `sluice usage`: how much went out, when the peaks were, and what the contract's year comes to.
 *
 * Promises: read from the ledger on disk, with or without an agent, to the second; `--json` is an array of rows and `--csv`
 * has the same rows. Only what was charged counts: each transaction whose MAIL was said, as the relay service may count it.
 */
import { join } from "node:path";
import { type Command, Option } from "commander";
import { Kept } from "../delivery/kept.ts";
import { keptTotals, keptYear } from "../delivery/year-limits.ts";
import { counted, sizeText } from "../observe/figures.ts";
import { PARTS, type Part, PERIODS, type Period, type UsageRow, usageRows } from "../usage/rows.ts";
import { csv, table, timeText } from "../usage/text.ts";
import { type YearStanding, yearStanding } from "../usage/year.ts";
import { type ConfigOptions, withConfigOption } from "./config-file.ts";
import { jsonText } from "./json.ts";
import { accountsOf, NOTHING_YET, type Recorded, recorded } from "./usage-records.ts";

const EXAMPLE = `
Examples:
  sluice usage                              what each day held
  sluice usage --by hour --account portal
  sluice usage --by month --per sender --csv > usage.csv
  sluice usage --by year                    contract years (pace.perYear.starts), with a forecast

Times are UTC. PEAK HOUR is the most in any 60 minutes, to the minute, CLOCK HOUR the most from full hour to full hour.`;

const COLUMNS = [
  "from",
  "to",
  "account",
  "host",
  "sender",
  "user",
  "class",
  "messages",
  "recipients",
  "bytes",
  "peakHour",
  "peakHourEnded",
  "peakHourRecipients",
  "peakHourBytes",
  "peakClockHour",
] as const;

interface Options extends ConfigOptions {
  by: Period;
  per?: Part;
  account?: string;
  csv?: true;
  json?: true;
}

/** Adds the command. */
export function registerUsage(program: Command): void {
  withConfigOption(program.command("usage"))
    .description("messages, recipients and bytes that went out; peaks; the contract's year and its forecast")
    .addOption(new Option("--by <period>", "a row for each").choices(PERIODS).default("day"))
    .addOption(new Option("--per <part>", "and for each part of an account's mail").choices(PARTS))
    .option("--account <name>", "only this account")
    .addOption(new Option("--csv", "print comma-separated values").conflicts("json"))
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLE)
    .action(usage);
}

async function usage(options: Options): Promise<void> {
  const known = await recorded(options);
  const accounts = accountsOf(known, options.account);
  const rows = usageRows(known.days, {
    by: options.by,
    ...(options.per === undefined ? {} : { part: options.per }),
    ...(options.account === undefined ? {} : { account: options.account }),
    starts: (account) => startsOf(known, account),
  });
  if (options.csv) return void process.stdout.write(csv(rows, COLUMNS));
  const now = Date.now();
  const years = accounts.map((account) => yearOf(known, account, now));
  if (options.json) {
    const shown = options.by === "year" ? rows.map((row) => ({ ...row, ...ofThisYear(row, years) })) : rows;
    return console.log(jsonText(shown));
  }
  if (rows.length === 0) return console.log(NOTHING_YET);
  console.log([usageTable(rows, options), "", ...years.map(yearText)].join("\n"));
}

function startsOf({ config }: Recorded, account: string): string {
  return perYearOf(config, account)?.starts ?? "01-01";
}

function perYearOf(config: Recorded["config"], account: string) {
  const pace = config.accounts.find(({ name }) => name === account)?.pace;
  return pace?.kind === "paced" ? pace.perYear : undefined;
}

function yearOf(known: Recorded, account: string, now: number): YearStanding {
  const { config, days } = known;
  const { messages, bytes } = perYearOf(config, account) ?? {};
  const kept = keptYear(new Kept(join(config.stateDir, "delivery.json"), () => {}), account);
  const limits = {
    ...(messages === undefined ? {} : { messages }),
    ...(bytes === undefined ? {} : { bytes }),
  };
  const hosts: Parameters<typeof yearStanding>[1]["hosts"] = (year) => keptTotals(kept, year);
  return yearStanding(days, { account, starts: startsOf(known, account), limits, hosts }, now);
}

/** What a row of the year that is under way says more: over all hosts, the limits, the forecast. */
function ofThisYear(row: UsageRow, years: readonly YearStanding[]) {
  const standing = years.find(({ account }) => account === row.account);
  const current = standing && Date.parse(row.from) === standing.year.fromMs ? standing : undefined;
  return {
    usedMessages: current?.used.messages ?? null,
    usedBytes: current?.used.bytes ?? null,
    limitMessages: current?.limits.messages ?? null,
    limitBytes: current?.limits.bytes ?? null,
    forecastMessages: current?.forecast?.messages ?? null,
    forecastBytes: current?.forecast?.bytes ?? null,
    forecastFromDays: current?.forecast?.days ?? null,
  };
}

function usageTable(rows: readonly UsageRow[], { by, per }: Options): string {
  const headings = [
    `${by.toUpperCase()} (UTC)`,
    "ACCOUNT",
    ...(per === undefined ? [] : [per.toUpperCase()]),
  ];
  const peaks = per === undefined ? ["PEAK HOUR", "CLOCK HOUR", "PEAK ENDED (UTC)"] : ["CLOCK HOUR"];
  const lines = rows.map((row) => [
    periodText(by, row),
    row.account,
    ...(per === undefined ? [] : [row[per] ?? "-"]),
    row.messages,
    row.recipients,
    sizeText(row.bytes),
    ...(per === undefined
      ? [row.peakHour ?? 0, row.peakClockHour, timeText(Date.parse(row.peakHourEnded ?? row.to))]
      : [row.peakClockHour]),
  ]);
  return table([...headings, "MESSAGES", "RECIPIENTS", "BYTES", ...peaks], lines);
}

function periodText(by: Period, { from }: UsageRow): string {
  const length = { hour: 16, day: 10, month: 7, year: 10 }[by];
  return `${by === "year" ? "from " : ""}${from.slice(0, length).replace("T", " ")}`;
}

function yearText({
  account,
  year,
  used,
  limits,
  forecast,
  recordedFromMs,
  otherHosts,
}: YearStanding): string {
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const part = (measure: "messages" | "bytes", text: (value: number) => string) => {
    const limit = limits[measure];
    if (limit === undefined) return text(used[measure]);
    const percent = Math.floor((100 * used[measure]) / limit);
    return `${text(used[measure])} (${percent} % of ${text(limit)})`;
  };
  const messages = (value: number) => counted(value, "message");
  const since = recordedFromMs !== undefined && recordedFromMs > year.fromMs;
  const all = otherHosts === 0 ? "" : `, with ${counted(otherHosts, "other host")}`;
  const said = [
    `${account}: the year from ${day(year.fromMs)} to ${day(year.toMs - 1)} has ${part("messages", messages)}, ${part("bytes", sizeText)}`,
    `${all}${since ? `, recorded since ${day(recordedFromMs)}` : ""}`,
  ].join("");
  if (!forecast) return `${said}; a forecast needs a day of records`;
  const basis = `as in the last ${forecast.days === 1 ? "day" : counted(forecast.days, "day")}`;
  return `${said}; if it goes on ${basis}: ${messages(forecast.messages)}, ${sizeText(forecast.bytes)}`;
}
