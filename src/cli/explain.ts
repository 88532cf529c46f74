/**
 * `sluice explain`: what would happen to a sender, and which rule decides.
 *
 * Promises: the same decision as the listener's, by the same code; exit code 0 when the sender may send, else 77.
 * Refuses: what the listener would refuse as an address too (exit code 64), and `--user`, which comes later.
 */
import { type Command, Option } from "commander";
import { loadPublicConfig } from "../config/load.ts";
import { type Address, parseCommandArgument, qualify } from "../mail/address.ts";
import { decideSender, type SenderDecision } from "../policy/senders.ts";
import { type ConfigOptions, loadOrEnd, withConfigOption } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";

const EXAMPLE = `
Examples:
  sluice explain --from root@app01.internal
  sluice explain --from news@lab.wisc.edu --envelope bounces@lab.wisc.edu
  sluice explain --from news@lab.wisc.edu --envelope '<>'`;

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
    .addOption(new Option("--user <name>", "the local user").hideHelp())
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLE)
    .action(runExplain);
}

function runExplain(options: Options): void {
  if (options.user !== undefined) {
    throw new CommandError(exit.usage, "--user is not available in this version of sluice yet; leave it out");
  }
  const { config } = loadOrEnd(loadPublicConfig, options);
  const header = readAddress("--from", options.from, config.hostname);
  if (header === null)
    throw new CommandError(exit.usage, "--from needs an address; only --envelope may be <>");
  const envelope =
    options.envelope === undefined ? header : readAddress("--envelope", options.envelope, config.hostname);
  const decision = decideSender(config.senders, { envelope, header });
  const asked = { header, envelope: envelope ?? "<>" };
  console.log(
    options.json ? JSON.stringify({ asked, ...decision }, undefined, 2) : decisionText(asked, decision),
  );
  if (decision.action !== "send") throw new CommandError(exit.notAllowed, "");
}

/** Reads an address as the listener does; null for `<>`. */
function readAddress(option: string, text: string, hostname: string): Address | null {
  const argument = parseCommandArgument(text === "" ? "<>" : text);
  if (!argument.ok)
    throw new CommandError(exit.usage, `${option} ${JSON.stringify(text)}: ${argument.problem}`);
  if (argument.path.kind === "null") return null;
  const address = argument.parameters.size > 0 ? undefined : qualify(argument.path, hostname);
  if (address !== undefined) return address;
  throw new CommandError(exit.usage, `${option} ${JSON.stringify(text)}: it is not one plain address`);
}

function decisionText(asked: { header: string; envelope: string }, decision: SenderDecision): string {
  const lines = [
    `asked     From ${asked.header}, envelope ${asked.envelope}`,
    `decision  ${decision.action}: ${decision.why}`,
    `rule      ${decision.rule}`,
  ];
  if (decision.action === "send") {
    lines.push(
      `goes out  From ${decision.pair.header}, envelope ${decision.pair.envelope}`,
      `account   ${decision.account}`,
    );
  }
  return lines.join("\n");
}
