/**
 * `sluice send-test`: one real message through the whole path, followed to the upstream's reply.
 *
 * Promises: exit code 0 delivered, 1 refused or bounced, 75 held, or not delivered when `--timeout` ends (it stays in the
 * queue and goes on), 69 when no agent runs. Nothing is sent where it could not be followed: who may not read the journal is told so.
 */
import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { PublicConfig } from "../config/config.ts";
import { processEnvironment } from "../config/environment.ts";
import { loadPublicConfig } from "../config/load.ts";
import { controlSocketPath } from "../config/sockets.ts";
import { formatDuration } from "../config/units.ts";
import { askAgent, type ControlAnswer } from "../control/client.ts";
import type { QueueDetail } from "../control/queue-view.ts";
import { marksOfEnd } from "../journal/tail.ts";
import { visible } from "../mail/reply.ts";
import { timeOfDay } from "../observe/figures.ts";
import { addressArgument, lengthOfTime } from "./arguments.ts";
import { askRunning, notRunning } from "./ask-agent.ts";
import { type ConfigOptions, loadOrEnd, withConfigOption } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";
import { follow, type Step } from "./follow.ts";
import { jsonText } from "./json.ts";
import { readableOrEnd } from "./state-on-disk.ts";
import { submit } from "./submit.ts";

const EXAMPLE = `
Examples:
  sluice send-test --to you@wisc.edu
  sluice send-test --to you@wisc.edu --from cron@app01.internal     what a program on this machine would get

Exit codes: 0 delivered, 1 refused or bounced, 75 held, or not delivered within --timeout, 69 the agent is not running.`;

interface Options extends ConfigOptions {
  readonly to: string;
  readonly from?: string;
  readonly timeout: number;
  readonly json?: true;
}

interface Asked {
  readonly to: string;
  readonly from: string | undefined;
  readonly timeout: number;
}

interface Report {
  /** Queue id; null when it was refused. */
  readonly id: string | null;
  readonly from: string;
  readonly to: string;
  readonly outcome: "delivered" | "refused" | "bounced" | "held" | "waiting";
  readonly steps: readonly Omit<Step, "outcome">[];
}

/** Adds the command. */
export function registerSendTest(program: Command): void {
  withConfigOption(program.command("send-test"))
    .description("send one real message, and follow it to the upstream's reply")
    .requiredOption("--to <address>", "who gets it")
    .option(
      "--from <address>",
      "header From and envelope sender; default: the first one that the config allows",
    )
    .addOption(
      new Option("--timeout <time>", "how long to follow it: 30s, 5m")
        .argParser(parseTimeout)
        .default(60_000, "1m"),
    )
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLE)
    .action(runSendTest);
}

async function runSendTest(options: Options): Promise<void> {
  const { config } = loadOrEnd(loadPublicConfig, options);
  const to = spelt("--to", options.to);
  const from = options.from === undefined ? undefined : spelt("--from", options.from);
  if ((await askRunning(options, "/api/v1/health")) === undefined) throw notRunning("send a test message");
  const show = (step: Pick<Step, "at" | "step" | "text">) => {
    if (!options.json) console.log(`${timeOfDay(new Date(step.at))}  ${step.step.padEnd(9)}  ${step.text}`);
  };
  const report = await send(config, { ...options, to, from }, show);
  if (options.json) console.log(jsonText(report));
  switch (report.outcome) {
    case "delivered":
      return;
    case "refused":
    case "bounced":
      throw new CommandError(exit.failed, "");
    case "held":
      throw new CommandError(
        exit.tryAgain,
        options.json ? "" : `It goes no further by itself: see sluice queue show ${report.id}`,
      );
    case "waiting": {
      const follow = report.id === null ? "" : `: it stays in the queue, see sluice queue show ${report.id}`;
      const sentence = `Not delivered within ${formatDuration(options.timeout)}${follow}`;
      throw new CommandError(exit.tryAgain, options.json ? "" : sentence);
    }
  }
}

async function send(config: PublicConfig, options: Asked, show: (step: Step) => void): Promise<Report> {
  const signal = AbortSignal.timeout(options.timeout);
  const journalFolder = join(config.stateDir, "journal");
  await readableOrEnd(journalFolder, "journal");
  const marks = await marksOfEnd(journalFolder);
  const { header, envelope } = senderOf(config, options.from);
  const asked = { from: header, to: options.to };
  const submitted = await submit(listenAddress(config), {
    envelope: { from: envelope, to: options.to },
    ...asked,
    ...testMessage(config.hostname),
  });
  const steps: Step[] = [];
  const tell = (step: Step) => {
    steps.push(step);
    show(step);
  };
  if (!submitted.ok) {
    tell({ at: new Date().toISOString(), step: "rejected", text: visible(submitted.reply, 1000) });
    return { id: null, ...asked, outcome: submitted.later ? "waiting" : "refused", steps: steps.map(shown) };
  }
  const { id } = submitted;
  const socket = controlSocketPath(config.stateDir, processEnvironment());
  const ask = () => askAgent(socket, `/api/v1/queue/${id}`).then(ofQueue, () => undefined);
  for await (const step of follow({ id, journalFolder, marks, ask, signal })) tell(step);
  return { id, ...asked, outcome: steps.at(-1)?.outcome ?? "waiting", steps: steps.map(shown) };
}

function shown({ at, step, text }: Step): Omit<Step, "outcome"> {
  return { at, step, text };
}

function ofQueue(answer: ControlAnswer): QueueDetail | undefined {
  return answer.agent === "answered" && answer.status === 200 ? (answer.body as QueueDetail) : undefined;
}

/** What it goes in with: an allowed pair as it is, anything else on both sides. */
function senderOf({ senders: { pairs } }: PublicConfig, from: string | undefined) {
  const known = from === undefined ? pairs[0] : pairs.find(({ pair }) => pair.header === from);
  return known?.pair ?? { header: from ?? "", envelope: from ?? "" };
}

/** One address as a program would say it: a name without a domain is the listener's to look up. */
function spelt(option: string, text: string): string {
  const path = addressArgument(option, text);
  switch (path.kind) {
    case "address":
      return path.address;
    case "local":
      return path.local;
    case "null":
      throw new CommandError(exit.usage, `${option} needs an address`);
  }
}

function testMessage(hostname: string) {
  const at = new Date().toISOString();
  return {
    subject: `Test message of sluice on ${hostname}, ${at}`,
    text: `Somebody on ${hostname} ran sluice send-test to see whether mail arrives. It did; nothing is to be done.\n`,
    headers: { "Auto-Submitted": "auto-generated" }, // RFC 3834 §5
  };
}

function listenAddress({ listen }: PublicConfig): PublicConfig["listen"]["addresses"][number] {
  const address = listen.addresses.find(({ port }) => port !== 0);
  if (address) return address;
  throw new CommandError(exit.config, "Cannot hand a message in as listen.addresses names no port");
}

function parseTimeout(text: string): number {
  const ms = lengthOfTime(text);
  if (ms > 0) return ms;
  throw new InvalidArgumentError("It must be longer than nothing.");
}
