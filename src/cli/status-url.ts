/**
 * `sluice status-url`: a link to the status page, good for one login within ten minutes.
 *
 * Promises: only who may open the control socket gets one; what is printed is the link and nothing else, to be clicked,
 * copied, or given to a program that opens it. Without an agent, or without a page, a sentence and exit code 69.
 */
import type { Command } from "commander";
import { askRunning, notRunning } from "./ask-agent.ts";
import { type ConfigOptions, withConfigOption } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";
import { jsonText } from "./json.ts";

const EXAMPLE = `
Examples:
  sluice status-url
  ssh -L 8025:127.0.0.1:8025 app01       from another machine; then open the link there, with the same port

The link is good once, for ten minutes; the login that it makes ends after twelve hours without a look.`;

/** Adds the command. */
export function registerStatusUrl(program: Command): void {
  withConfigOption(program.command("status-url"))
    .description("a link to the status page, good for one login")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLE)
    .action(statusUrl);
}

async function statusUrl(options: ConfigOptions & { json?: true }): Promise<void> {
  const answer = await askRunning(options, "/api/v1/login-token", {});
  if (!answer) throw notRunning("make a link");
  const { url, error } = answer.body as { url?: string; error?: string };
  if (url === undefined) throw new CommandError(exit.unavailable, `${error ?? "the agent gave no link"}`);
  console.log(options.json ? jsonText({ url }) : url);
}
