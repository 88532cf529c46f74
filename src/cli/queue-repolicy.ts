/**
 * `sluice queue repolicy`: today's sender policy, run again on queued, held and bounced mail.
 *
 * Promises: one line for each message that changes, then what became of the others; `--dry-run` changes nothing. On a
 * terminal it shows first and asks when more than one message changes. Says which policy it is, and when that is not
 * the one in the config file.
 * Refuses without the running agent (exit code 69), and to change several messages unasked where nobody can be asked (64).
 */
import type { Command } from "commander";
import { loadPublicConfig } from "../config/load.ts";
import { policyFingerprint } from "../decision/fingerprint.ts";
import { visible } from "../mail/reply.ts";
import { type Repolicied, type RepolicyPage, routeChange } from "../spool/route.ts";
import { askRunning } from "./ask-agent.ts";
import { type ConfigOptions, loadOrEnd, withConfigOption } from "./config-file.ts";
import { confirmed } from "./confirm.ts";
import { CommandError, exit } from "./exit.ts";

type Options = ConfigOptions & { json?: true; dryRun?: true; yes?: true };

/** Every page together. */
interface Run extends Omit<RepolicyPage, "next"> {
  readonly dryRun: boolean;
}

const EXAMPLE = `
Examples:
  sluice queue repolicy --dry-run
  sluice queue repolicy --yes`;

/** Adds the command to `queue`. */
export function registerRepolicy(queue: Command): void {
  withConfigOption(queue.command("repolicy"))
    .description("run today's sender policy again on queued, held and bounced mail; asks first")
    .option("--dry-run", "show what would change, and change nothing")
    .option("-y, --yes", "do not ask")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLE)
    .action(repolicy);
}

async function repolicy(options: Options): Promise<void> {
  const print = options.json ? () => {} : (change: Repolicied) => console.log(changeLine(change));
  if (options.yes && !options.dryRun) return conclude(await run(options, "apply", print), options);
  const looked = await run(options, "look", print);
  if (options.dryRun || looked.changed.length === 0) return conclude(looked, options);
  if (looked.changed.length > 1) await askFirst(looked);
  conclude(await run(options, "apply", () => {}), options);
}

/** Page after page until all is looked at. */
async function run(
  options: Options,
  mode: "look" | "apply",
  onChange: (change: Repolicied) => void,
): Promise<Run> {
  const dryRun = mode === "look";
  const changed: Repolicied[] = [];
  const skipped: { id: string; why: string }[] = [];
  let unchanged = 0;
  for (let after: string | null | undefined; ; ) {
    const page = await askPage(options, { dryRun, ...(after === undefined ? {} : { after }) });
    for (const change of page.changed) onChange(change);
    changed.push(...page.changed);
    skipped.push(...page.skipped);
    unchanged += page.unchanged;
    after = page.next;
    if (after === null) return { dryRun, changed, unchanged, skipped, policy: page.policy };
  }
}

async function askPage(options: Options, asked: object): Promise<RepolicyPage> {
  const answer = await askRunning(options, "/api/v1/queue/repolicy", asked);
  if (!answer)
    throw new CommandError(
      exit.unavailable,
      "Cannot run policy as the agent is not running: start it first, only it knows what is in a session",
    );
  if (answer.status === 200) return answer.body as RepolicyPage;
  const { error } = answer.body as { error?: string };
  throw new CommandError(exit.failed, `the agent could not do it: ${error}`);
}

async function askFirst({ changed }: Run): Promise<void> {
  if (!process.stdin.isTTY)
    throw new CommandError(
      exit.usage,
      `Nothing was changed: cannot ask before changing ${changed.length} messages as there is no terminal: say --yes, or --dry-run`,
    );
  const streams = { input: process.stdin, output: process.stderr };
  if (!(await confirmed(`Change ${changed.length} messages?`, streams)))
    throw new CommandError(exit.failed, "Nothing was changed.");
}

function conclude(done: Run, options: Options): void {
  const { config } = loadOrEnd(loadPublicConfig, options);
  if (policyFingerprint(config) !== done.policy.fingerprint)
    console.error(
      `The agent runs on another policy than ${config.file} has now: reload or restart it, then run this again.`,
    );
  console.log(options.json ? JSON.stringify(done, undefined, 2) : summary(done));
}

function changeLine({ id, was, now, rule, why, delivered }: Repolicied): string {
  const state = was.state === now.state ? now.state : `${was.state} -> ${now.state}`;
  const partly = delivered === 0 ? "" : `; ${delivered} have it as it was, the rest gets it so`;
  return visible(`${id}  ${state}, ${routeChange({ was, now })} (${rule}: ${why})${partly}`, 1000);
}

function summary({ dryRun, changed, unchanged, skipped, policy }: Run): string {
  const lines = [
    `-- ${count(changed.length)} ${dryRun ? "would change" : "changed"}, ${unchanged} stay as they are, ${skipped.length} left alone`,
  ];
  const reasons = new Map<string, string[]>();
  for (const { id, why } of skipped) reasons.set(why, [...(reasons.get(why) ?? []), id]);
  for (const [why, ids] of reasons)
    lines.push(`   left alone: ${visible(why)}: ${ids.length > 3 ? `${count(ids.length)}` : ids.join(", ")}`);
  if (changed.some(({ now }) => now.state === "bounced"))
    lines.push("   bounced mail stays bounced: sluice queue retry sends it as it is now");
  if (changed.some(({ was, now }) => was.state === "held" && now.state === "held" && now.account !== null))
    lines.push("   what an operator holds stays held: sluice queue release sends it as it is now");
  return [...lines, `   policy: as the agent has it since ${policy.since}`].join("\n");
}

function count(messages: number): string {
  return messages === 1 ? "1 message" : `${messages} messages`;
}
