/**
 * `sluice` without a command: how it stands here, in a screen, and what to ask next.
 *
 * Promises: always something useful, exit code 0: with no config file, with a broken one, with no agent, with no permission to
 * ask it. The same overview as the page's. No byte of a stranger reaches the terminal as it came.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { defaultConfigFile, processEnvironment } from "../config/environment.ts";
import { readConfig } from "../config/load.ts";
import { controlSocketPath } from "../config/sockets.ts";
import { askAgent } from "../control/client.ts";
import type { AccountOverview, FailureOverview, Overview } from "../control/overview.ts";
import { SHOWN_STATES } from "../control/queue-view.ts";
import { visible } from "../mail/reply.ts";
import { ageText, counted, grouped, timeOfDay } from "../observe/figures.ts";
import { spoolIds } from "../spool/spool.ts";
import { type ConfigOptions, withConfigOption } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";
import { jsonText } from "./json.ts";

const FAILURES = 5;
const WIDTH = 160;
const LONGEST = 400;

/** Makes it what the program does when no command is named. */
export function registerOverview(program: Command): void {
  withConfigOption(program)
    .argument("[command...]")
    .option("--json", "print one JSON document")
    .passThroughOptions()
    .action((command: string[], options: ConfigOptions & { json?: true }) => {
      if (command.length > 0) throw commandFirst(command, options);
      return overview(options, program.version() ?? "");
    });
}

function commandFirst(command: readonly string[], { config: file, json }: ConfigOptions & { json?: true }) {
  const rest = file === defaultConfigFile(processEnvironment()) ? [] : ["-c", file];
  const line = ["sluice", ...command, ...rest, ...(json ? ["--json"] : [])].join(" ");
  return new CommandError(exit.usage, `Options follow the command: say ${line}`);
}

async function overview(
  { config: file, json }: ConfigOptions & { json?: true },
  version: string,
): Promise<void> {
  const known = await look(file);
  if (json) return console.log(jsonText(jsonOf(known, { file, version })));
  console.log([`sluice ${version}`, "", ...linesOf(known, file), "", ...next(known, file)].join("\n"));
}

/** What can be found out. */
type Known =
  | { readonly found: "no config" }
  /** The agent may run all the same, by the config it had before. */
  | { readonly found: "broken config"; readonly problems: number; readonly overview?: Overview }
  | { readonly found: "no answer"; readonly why: string; readonly inSpool: number | undefined }
  | { readonly found: "overview"; readonly overview: Overview };

async function look(file: string): Promise<Known> {
  if (!existsSync(file)) return { found: "no config" };
  const { problems, contents } = readConfig(file, processEnvironment(), "left-alone");
  const known = contents?.stateDir ? await ask(contents.stateDir) : undefined;
  if (known && problems.length === 0) return known;
  const overview = known?.found === "overview" ? { overview: known.overview } : {};
  return { found: "broken config", problems: problems.length, ...overview };
}

async function ask(stateDir: string): Promise<Known> {
  const silent = async (why: string): Promise<Known> => {
    const ids = await spoolIds(join(stateDir, "spool")).catch(() => undefined);
    return { found: "no answer", why, inSpool: ids?.length };
  };
  const socket = controlSocketPath(stateDir, processEnvironment());
  const answer = await askAgent(socket, "/api/v1/overview").catch((error: Error) => error);
  if (answer instanceof Error) return silent(`does not answer: ${answer.message}`);
  if (answer.agent === "not running") return silent("not running; start it with: sluice run");
  if (answer.agent === "not allowed")
    return silent(`not to be asked by you; be root or a member of the group sluice (${socket})`);
  if (answer.status !== 200) return silent(`answers with an error (${answer.status})`);
  return { found: "overview", overview: answer.body as Overview };
}

function jsonOf(known: Known, about: { readonly file: string; readonly version: string }) {
  return { ...about, ...known };
}

function linesOf(known: Known, file: string): string[] {
  switch (known.found) {
    case "no config":
      return [line("config", `${file} is not there`)];
    case "broken config":
      return [
        line("config", `${file} has ${counted(known.problems, "problem")}`),
        ...(known.overview ? overviewLines(known.overview) : []),
      ];
    case "no answer": {
      const { why, inSpool } = known;
      const spool =
        inSpool === undefined ? [] : [line("queue", `${counted(inSpool, "message")} in the spool`)];
      return [line("config", file), line("agent", why), ...spool];
    }
    case "overview":
      return [line("config", file), ...overviewLines(known.overview)];
  }
}

function overviewLines({ version, hostname, startedAt, now, health, ...rest }: Overview): string[] {
  const upSeconds = Math.max(0, Math.round((Date.parse(now) - Date.parse(startedAt)) / 1000));
  const { queue, accounts, hours, failures } = rest;
  const states = SHOWN_STATES.filter((state) => queue.states[state] > 0);
  const counts = states.map((state) => `${grouped(queue.states[state])} ${state}`).join(", ");
  const age = queue.oldest === null ? "" : `; the oldest waits for ${ageText(queue.oldest)}`;
  const hour = hours.at(-1);
  return [
    line("agent", `running on ${hostname} for ${ageText(upSeconds)}, version ${version}`),
    line("mail", health.ok ? "flows" : "does not flow as it should:"),
    ...health.reasons.map(({ reason, nextProbe }) => {
      const probe = nextProbe === null ? "" : `; next probe at ${timeOfDay(new Date(nextProbe))}`;
      return line("", `- ${visible(reason, WIDTH)}${probe}`);
    }),
    ...health.warnings.map((warning) => line("warning", visible(warning, LONGEST))),
    line("queue", counts === "" ? "empty" : `${counts}${age}`),
    ...accounts.map((account, index) => line(index === 0 ? "accounts" : "", accountText(account))),
    ...(hour
      ? [line("this hour", `${grouped(hour.urgent + hour.bulk)} sent, ${grouped(hour.refused)} refused`)]
      : []),
    ...failures.slice(0, FAILURES).map((one, index) => line(index === 0 ? "failures" : "", failureText(one))),
  ];
}

function accountText({ name, budget, state, sessions, year }: AccountOverview): string {
  const stopped = state === "closed" ? "" : ", stopped";
  const used = budget
    ? `${grouped(budget.used)} of ${grouped(budget.perHour)} messages in the last 60 minutes`
    : "no budget known";
  const open = sessions === 0 ? "" : `, ${counted(sessions, "session")}`;
  const limit = year?.messages.limit ?? null;
  const ofYear =
    year && limit !== null ? `, ${grouped(year.messages.used)} of ${grouped(limit)} this year` : "";
  return `${name}: ${used}${ofYear}${open}${stopped}`;
}

function failureText({ at, event, id, sender, reason }: FailureOverview): string {
  return visible(
    `${timeOfDay(new Date(at))} ${event} ${id ?? ""} ${sender ?? ""}: ${reason}`.replace(/ +/g, " "),
    WIDTH,
  );
}

function next(known: Known, file: string): string[] {
  const help = ["sluice --help", "every command"];
  const here = file === defaultConfigFile(processEnvironment()) ? "" : ` -c ${file}`;
  const steps: Record<Known["found"], string[][]> = {
    "no config": [["sluice config --example", "a config file to begin with"], help],
    "broken config": [[`sluice check${here}`, "what is wrong with it, and what to write"], help],
    "no answer": [
      [`sluice doctor${here}`, "what keeps it from working"],
      [`sluice queue${here}`, "what is in the queue"],
      help,
    ],
    overview: [
      [`sluice doctor${here}`, "every check of this machine, the network and the upstream"],
      [`sluice queue${here}`, "what waits, and why"],
      [`sluice status-url${here}`, "a link to the status page"],
      help,
    ],
  };
  const width = Math.max(...steps[known.found].map(([command = ""]) => command.length));
  return [
    "Next:",
    ...steps[known.found].map(([command = "", what = ""]) => `  ${command.padEnd(width)}  ${what}`),
  ];
}

function line(title: string, text: string): string {
  return `${title.padEnd(10)} ${text}`.trimEnd();
}
