/**
 * `sluice doctor`: what is wrong, each in a line, with what to do about it.
 *
 * Promises: exit code 0, or 1 when something failed; goes on with a config that is not valid; needs no agent. No byte of a
 * stranger reaches the terminal as it came, and no password at all.
 */
import type { Command } from "commander";
import { processEnvironment } from "../config/environment.ts";
import { readConfig } from "../config/load.ts";
import { controlSocketPath } from "../config/sockets.ts";
import { askAgent } from "../control/client.ts";
import { examine } from "../doctor/doctor.ts";
import { type Finding, isHealthy, type Status } from "../doctor/finding.ts";
import { systemPorts } from "../doctor/ports.ts";
import { visible } from "../mail/reply.ts";
import { type ConfigOptions, withConfigOption } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";
import { jsonText } from "./json.ts";

const EXAMPLE = `
Examples:
  sluice doctor                                     as root, or the user that the agent runs as
  sluice doctor --json | jq '.[] | select(.status == "failed")'

Statuses: ok, warn (works, but unwise), failed, unknown (cannot be told from here). Exit code 1 when something failed.`;

const WORDS: Readonly<Record<Status, string>> = {
  ok: "ok",
  warn: "warn",
  failed: "FAILED",
  unknown: "unknown",
};
const LONGEST = 1000;

/** Adds the command. */
export function registerDoctor(program: Command): void {
  withConfigOption(program.command("doctor"))
    .description("find out what is wrong: config, this machine, Redis, the upstream, SPF, the agent")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLE)
    .action(runDoctor);
}

async function runDoctor({ config: file, json }: ConfigOptions & { json?: true }): Promise<void> {
  const env = processEnvironment();
  const reading = readConfig(file, env, "looked-at");
  const stateDir = reading.contents?.stateDir;
  const ports = systemPorts((path) =>
    stateDir ? askAgent(controlSocketPath(stateDir, env), path) : Promise.resolve({ agent: "not running" }),
  );
  const findings = await examine(reading, ports);
  console.log(json ? jsonText(findings) : doctorText(findings));
  if (!isHealthy(findings)) throw new CommandError(exit.failed, "");
}

/** A line for each finding, and how many there are of each kind. */
export function doctorText(findings: readonly Finding[]): string {
  const statusWidth = Math.max(...Object.values(WORDS).map(({ length }) => length));
  const checkWidth = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.map(({ status, check, subject, found, remedy }) => {
    const what = `${visible(subject, LONGEST)}: ${visible(found, LONGEST)}`;
    const then = remedy === null ? "" : `; ${visible(remedy, LONGEST)}`;
    return `${WORDS[status].padEnd(statusWidth)}  ${check.padEnd(checkWidth)}  ${what}${then}`;
  });
  const counts = (["failed", "warn", "unknown", "ok"] as const).map(
    (status) => `${findings.filter((one) => one.status === status).length} ${status}`,
  );
  return [...lines, `-- ${counts.join(", ")}`].join("\n");
}
