/**
 * `sluice explain`: what would happen to a sender, and which rule decides.
 *
 * Promises: the same decision as the listener's, by the same code; exit code 0 when the sender may send, else 77.
 * Rules for a local user count with `--user` only; without it, it says for whom another rule would decide.
 * Refuses: what the listener would refuse as an address too (exit code 64).
 */
import type { Command } from "commander";
import { loadPublicConfig } from "../config/load.ts";
import { type Address, qualify } from "../mail/address.ts";
import { decideSender, type SaidSender, type SenderDecision, type SenderPolicy } from "../policy/senders.ts";
import { addressArgument, notPlain } from "./arguments.ts";
import { type ConfigOptions, loadOrEnd, withConfigOption } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";
import { jsonText } from "./json.ts";

const EXAMPLE = `
Examples:
  sluice explain --from root@app01.internal
  sluice explain --from news@lab.wisc.edu --envelope bounces@lab.wisc.edu
  sluice explain --from news@lab.wisc.edu --envelope '<>'
  sluice explain --from root@app01.internal --user www-data`;

interface Options extends ConfigOptions {
  from: string;
  envelope?: string;
  user?: string;
  json?: true;
}

/** Adds the command. */
export function registerExplain(program: Command): void {
  withConfigOption(program.command("explain"))
    .description("say what would happen to a sender and which rule decides")
    .requiredOption("--from <address>", "the address in the header From")
    .option("--envelope <address>", "the envelope sender (MAIL FROM), if it is another; '<>' for none")
    .option("--user <name>", "the local user whose program sends it; without, nobody knows")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLE)
    .action(runExplain);
}

function runExplain(options: Options): void {
  const { config } = loadOrEnd(loadPublicConfig, options);
  const header = readAddress("--from", options.from, config.hostname);
  if (header === null)
    throw new CommandError(exit.usage, "--from needs an address; only --envelope may be <>");
  const envelope =
    options.envelope === undefined ? header : readAddress("--envelope", options.envelope, config.hostname);
  const { user } = options;
  const decision = decideSender(config.senders, { envelope, header, user });
  const others = user === undefined ? decidedOtherwise(config.senders, { envelope, header }) : [];
  const asked = { header, envelope: envelope ?? "<>", user: user ?? null };
  console.log(
    options.json ? jsonText({ asked, ...decision, others }) : decisionText(asked, decision, others),
  );
  if (decision.action !== "send") throw new CommandError(exit.notAllowed, "");
}

/** Reads an address as the listener does; null for `<>`. */
function readAddress(option: string, text: string, hostname: string): Address | null {
  const path = addressArgument(option, text);
  if (path.kind === "null") return null;
  const address = qualify(path, hostname);
  if (address === undefined) throw notPlain(option, text);
  return address;
}

/** A local user for whom another rule decides than for an unknown one. */
interface Other {
  readonly user: string;
  readonly rule: string;
}

function decidedOtherwise(policy: SenderPolicy, said: SaidSender): Other[] {
  const { rule: usual } = decideSender(policy, said);
  const users = new Set(policy.rewrite.flatMap(({ user }) => user ?? []));
  const decided = [...users].map((user) => ({ user, rule: decideSender(policy, { ...said, user }).rule }));
  return decided.filter(({ rule }) => rule !== usual);
}

function decisionText(
  asked: { header: string; envelope: string; user: string | null },
  decision: SenderDecision,
  others: readonly Other[],
): string {
  const by = asked.user === null ? "" : `, user ${asked.user}`;
  const lines = [
    `asked     From ${asked.header}, envelope ${asked.envelope}${by}`,
    `decision  ${decision.action}: ${decision.why}`,
    `rule      ${decision.rule}`,
  ];
  if (decision.action === "send") {
    lines.push(
      `goes out  From ${decision.pair.header}, envelope ${decision.pair.envelope}`,
      `account   ${decision.account}`,
    );
  }
  if (others.length > 0) {
    const rules = others.map(({ user, rule }) => `${rule} for user ${user}`);
    lines.push(`but       another rule decides: ${rules.join(", ")} (see --user)`);
  }
  return lines.join("\n");
}
