/**
 * `sluice run`: the agent, in the foreground, until SIGTERM or SIGINT. SIGHUP has it read its config again.
 *
 * Promises: logs JSON lines on stdout from the first moment; ends by itself when it was asked to, with what was in
 * hand finished within `stopTimeout`. A bug ends it at once with exit code 70: custody does not depend on a tidy end.
 * Refuses to start with a broken config (78), a state folder or a port that somebody else has (75, 69).
 */
import type { Command } from "commander";
import { type Agent, startAgent } from "../agent.ts";
import type { Problem } from "../config/config.ts";
import { processEnvironment } from "../config/environment.ts";
import { loadConfig } from "../config/load.ts";
import { controlSocketPath, handedOverSockets } from "../config/sockets.ts";
import { supervisionOf } from "../config/supervision.ts";
import { createLog, type Log } from "../observe/log.ts";
import type { Loaded } from "../reload.ts";
import { AgentError } from "../state-folder.ts";
import { type ConfigOptions, loadOrEnd, problemText, withConfigOption } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";

const EXAMPLE = `
Example:
  sluice run -c /etc/sluice/sluice.yaml | jq -c 'select(.event == "rejected")'`;

/** Adds the command. */
export function registerRun(program: Command): void {
  withConfigOption(program.command("run"))
    .description("run the agent in the foreground; logs JSON lines to stdout")
    .addHelpText("after", EXAMPLE)
    .action((options: ConfigOptions) => run(options, program.version() ?? ""));
}

async function run(options: ConfigOptions, version: string): Promise<void> {
  let asked = false;
  let reload = () => {
    asked = true; // while it starts: done afterwards
  };
  process.on("SIGHUP", () => reload());
  const { config, warnings } = loadOrEnd(loadConfig, options);
  const load = () => loadAgain(options);
  const log = createLog({ level: config.log.level });
  endOnBugs(log);
  for (const warning of warnings)
    log.warn({ event: "config", warning: problemText(options.config, warning) });
  const ended = stopSignal();
  const controlSocket = controlSocketPath(config.stateDir, processEnvironment());
  const sockets = handedOverSockets(processEnvironment(), process.pid);
  const targets = sockets.length > 0 ? sockets : config.listen.addresses;
  const supervision = supervisionOf(processEnvironment(), process.pid);
  const agent = await startOrEnd({ config, load, log, targets, controlSocket, version, supervision });
  reload = () => void agent.reload();
  if (asked) reload();
  await ended;
  await agent.stop();
}

/** Starts the agent; what it refuses for becomes the command's sentence and exit code. */
export async function startOrEnd(options: Parameters<typeof startAgent>[0]): Promise<Agent> {
  try {
    return await startAgent(options);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    throw new CommandError(error.kind === "locked" ? exit.tryAgain : exit.unavailable, error.message);
  }
}

/** The config as it stands in the file now, problems and warnings in words. */
export function loadAgain({ config: file }: ConfigOptions): Loaded {
  const text = (problem: Problem) => problemText(file, problem);
  const result = loadConfig(file, processEnvironment());
  return result.ok
    ? { ok: true, config: result.config, warnings: result.warnings.map(text) }
    : { ok: false, problems: result.problems.map(text) };
}

/** Resolves at the first SIGTERM or SIGINT; more of them change nothing. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.on("SIGTERM", () => resolve());
    process.on("SIGINT", () => resolve());
  });
}

function endOnBugs(log: Log): void {
  const end = (error: unknown) => {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    log.fatal({ event: "bug", reason: message, stack });
    process.exit(exit.bug);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}
