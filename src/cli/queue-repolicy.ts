/**
 * `sluice queue repolicy`: today's sender policy, run again on queued, held and bounced mail.
 *
 * Promises: one line for each message that changes, then what became of the others; `--dry-run` changes nothing. On a
 * terminal it shows first and asks when more than one message changes. Says which policy it is, and when that is not
 * the one in the config file.
 * Refuses without the running agent (exit code 69), and to change several messages unasked where nobody can be asked (64).
 */
import type { Command } from "commander";
import { processEnvironment } from "../config/environment.ts";
import { loadPublicConfig } from "../config/load.ts";
import { policyFingerprint } from "../decision/fingerprint.ts";
import { visible } from "../mail/reply.ts";
import { clock, counted } from "../observe/figures.ts";
import { type Repolicied, type RepolicyPage, routeChange } from "../spool/route.ts";
import { askRunning, notAnswered, notRunning } from "./ask-agent.ts";
import { type ConfigOptions, withConfigOption } from "./config-file.ts";
import { confirmed } from "./confirm.ts";
import { CommandError, exit } from "./exit.ts";
import { jsonText } from "./json.ts";

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
  if (!answer) throw notRunning("run policy");
  if (answer.status === 200) return answer.body as RepolicyPage;
  throw notAnswered(answer);
}

async function askFirst({ changed }: Run): Promise<void> {
  if (!process.stdin.isTTY)
    throw new CommandError(
      exit.usage,
      `Nothing was changed: cannot ask before changing ${changed.length} messages as there is no terminal: say --yes, or --dry-run`,
    );
  const streams = { input: process.stdin, output: process.stderr };
  if (!(await confirmed(`Change ${counted(changed.length, "message")}?`, streams)))
    throw new CommandError(exit.failed, "Nothing was changed.");
}

function conclude(done: Run, options: Options): void {
  const loaded = loadPublicConfig(options.config, processEnvironment()); // with problems: they have been told
  if (loaded.ok && policyFingerprint(loaded.config) !== done.policy.fingerprint)
    console.error(
      `The agent runs on another policy than ${options.config} has now: reload or restart it, then run this again.`,
    );
  console.log(options.json ? jsonText(done) : summary(done));
}

function changeLine({ id, was, now, rule, why, delivered }: Repolicied): string {
  const state = was.state === now.state ? now.state : `${was.state} -> ${now.state}`;
  const partly = delivered === 0 ? "" : `; ${delivered} have it as it was, the rest gets it so`;
  return visible(`${id}  ${state}, ${routeChange({ was, now })} (${rule}: ${why})${partly}`, 1000);
}

function summary({ dryRun, changed, unchanged, skipped, policy }: Run): string {
  const lines = [
    `-- ${counted(changed.length, "message")} ${dryRun ? "would change" : "changed"}, ${unchanged} stay as they are, ${skipped.length} left alone`,
  ];
  const reasons = new Map<string, string[]>();
  for (const { id, why } of skipped) reasons.set(why, [...(reasons.get(why) ?? []), id]);
  for (const [why, ids] of reasons)
    lines.push(
      `   left alone: ${visible(why)}: ${ids.length > 3 ? counted(ids.length, "message") : ids.join(", ")}`,
    );
  if (changed.some(({ now }) => now.state === "bounced"))
    lines.push("   bounced mail stays bounced: sluice queue retry sends it as it is now");
  if (changed.some(({ was, now }) => was.state === "held" && now.state === "held" && now.account !== null))
    lines.push("   what an operator holds stays held: sluice queue release sends it as it is now");
  return [...lines, `   policy: as the agent has it since ${clock(policy.since)}`].join("\n");
}
