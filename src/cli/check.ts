/**
 * `sluice check`: everything that is wrong with a config file, and what is unwise.
 *
 * Promises: all problems in one go, as file:line, with a remedy; exit code 0 or 78. Warnings change no exit code.
 * Refuses: nothing is started, connected to or written.
 */
import type { Command } from "commander";
import { processEnvironment } from "../config/environment.ts";
import { checkConfig } from "../config/load.ts";
import { counted } from "../observe/figures.ts";
import { type ConfigOptions, problemText, withConfigOption } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";
import { jsonText } from "./json.ts";

const EXAMPLE = `
Example:
  sluice check -c /etc/sluice/sluice.yaml && systemctl restart sluice`;

/** Adds the command. */
export function registerCheck(program: Command): void {
  withConfigOption(program.command("check"))
    .description("validate the config file: print all problems, warn of what is unwise")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLE)
    .action(runCheck);
}

function runCheck({ config: file, json }: ConfigOptions & { json?: true }): void {
  const result = checkConfig(file, processEnvironment());
  const problems = result.ok ? [] : result.problems;
  const warnings = result.ok ? result.warnings : [];
  if (json) {
    console.log(jsonText({ file, ok: result.ok, problems, warnings }));
  } else {
    for (const problem of problems) console.log(problemText(file, problem));
    for (const warning of warnings)
      console.log(problemText(file, { ...warning, message: `warning: ${warning.message}` }));
    console.log(summary(file, problems.length, warnings.length));
  }
  if (!result.ok) throw new CommandError(exit.config, "");
}

function summary(file: string, problems: number, warnings: number): string {
  if (problems > 0) return `${file}: ${counted(problems, "problem")}`;
  return `${file}: ok${warnings > 0 ? `, ${counted(warnings, "warning")}` : ""}`;
}
