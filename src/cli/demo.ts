/**
 * `sluice demo`, which is `npm start`: the whole path in one terminal, nothing leaves the machine.
 *
 * Runs the upstream simulator and the agent with config/sandbox.yaml, submits one message as an old program would,
 * shows each step until it arrived, says what to try next, and stays up until Ctrl-C.
 * Refuses, with a sentence, when the ports are taken.
 */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import type { Agent } from "../agent.ts";
import type { Config } from "../config/config.ts";
import { processEnvironment } from "../config/environment.ts";
import { loadConfig } from "../config/load.ts";
import { controlSocketPath } from "../config/sockets.ts";
import { askAgent } from "../control/client.ts";
import { marksOfEnd } from "../journal/tail.ts";
import type { Fact } from "../observe/facts.ts";
import { createLog } from "../observe/log.ts";
import { arrivalLine } from "../sandbox/arrivals.ts";
import type { Page } from "../sandbox/page.ts";
import { keptPassword } from "../sandbox/password.ts";
import { type Sandbox, startSandbox } from "../sandbox/simulator.ts";
import { openArrivedPage } from "./arrived-page.ts";
import { loadOrEnd } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";
import { follow, type Outcome, type Step, stepsOf } from "./follow.ts";
import { loadAgain, startOrEnd } from "./run.ts";
import { submit } from "./submit.ts";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const CONFIG = resolve(ROOT, "config/sandbox.yaml");
const SANDBOX_DIR = resolve(ROOT, ".cache/sandbox");
const PORTS = { starttlsPort: 2587, tlsPort: 2465 };
const PATIENCE_MS = 30_000;

/** What the sample says: a program that knows nothing of the relay service's rules. */
const SAMPLE = {
  from: "root@app01.internal",
  to: "you@example.org",
  subject: "Nightly report",
  text: "All 42 jobs finished.\n",
};

/** Adds the command. */
export function registerDemo(program: Command): void {
  program
    .command("demo")
    .description("see it work: agent, simulated upstream and one sample message, until Ctrl-C")
    .action(() => demo(program.version() ?? ""));
}

async function demo(version: string): Promise<void> {
  if (!existsSync(CONFIG))
    throw new CommandError(exit.unavailable, `Cannot find ${CONFIG}: run the demo from a clone`);
  const stopped = new Promise<void>((stop) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stop());
  });
  const arrivals = watch<string>();
  const sandbox = await openSandbox((line) => arrivals.tell(line));
  const { config } = loadOrEnd(loadConfig, { config: CONFIG });
  const controlSocket = controlSocketPath(config.stateDir, processEnvironment());
  let onFact: (fact: Fact) => void = () => {};
  let agent: Agent | undefined;
  let page: Page | undefined;
  try {
    page = await openArrivedPage(sandbox);
    agent = await startOrEnd({
      config,
      load: () => loadAgain({ config: CONFIG }),
      log: createLog({
        level: "info",
        destination: { write: (line) => onFact(JSON.parse(line) as Fact) },
      }),
      targets: config.listen.addresses,
      controlSocket,
      version,
    });
    console.log(
      `sluice ${version} listens on ${where(config)}; its upstream is a simulator on this machine.\n`,
    );
    await showSample(config, { arrivals, sandbox });
    console.log(whatNext(config, { arrived: page.url, status: await statusLink(controlSocket) }));
    onFact = (fact) => {
      for (const line of factLines(fact)) console.log(line);
    };
    arrivals.follow((line) => console.log(`  arrived    ${line}`));
    await stopped;
    console.log("\nstopping…");
  } finally {
    await agent?.stop();
    await page?.close();
    await sandbox.close();
  }
}

async function openSandbox(onArrived: (line: string) => void): Promise<Sandbox> {
  try {
    return await startSandbox({
      ...PORTS,
      dir: SANDBOX_DIR,
      username: "sandbox", // as config/sandbox.yaml says
      password: await keptPassword(SANDBOX_DIR),
      onArrived: (arrived) => onArrived(arrivalLine(arrived)),
    });
  } catch (error) {
    throw new CommandError(exit.unavailable, `Cannot start the simulator: ${(error as Error).message}`);
  }
}

/** Submits the sample and shows it on its way. */
async function showSample(
  config: Config,
  seen: { arrivals: Watch<string>; sandbox: Sandbox },
): Promise<void> {
  const journalFolder = join(config.stateDir, "journal");
  const marks = await marksOfEnd(journalFolder);
  const submitted = await submit(firstAddress(config), SAMPLE);
  if (!submitted.ok) throw new CommandError(exit.failed, `The sample was refused: ${submitted.reply}`);
  const { id } = submitted;
  console.log(`  submitted  From: ${SAMPLE.from}, no password, no TLS: 250 queued as ${id}`);
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const nobody = async () => undefined;
  let outcome: Outcome | undefined;
  for await (const step of follow({ id, journalFolder, marks, ask: nobody, signal })) {
    console.log(stepLine(step));
    outcome = step.outcome;
  }
  if (outcome !== "delivered") {
    const within = `within ${PATIENCE_MS / 1000} s`;
    throw new CommandError(exit.failed, `The sample was not delivered ${within}; see ${config.stateDir}`);
  }
  const session = seen.sandbox.sessions.find(({ authenticated }) => authenticated);
  console.log(`  arrived    over ${session?.tls ?? "TLS"} with AUTH: ${await seen.arrivals.first()}\n`);
}

function stepLine({ step, text }: Pick<Step, "step" | "text">): string {
  return `  ${step.padEnd(9)}  ${text}`;
}

/** A link that logs in, once; nothing when the page could not be had. */
async function statusLink(controlSocket: string): Promise<string | undefined> {
  const answer = await askAgent(controlSocket, "/api/v1/login-token", {});
  return answer.agent === "answered" && answer.status === 200
    ? (answer.body as { url: string }).url
    : undefined;
}

function whatNext(
  config: Config,
  pages: { readonly arrived: string; readonly status: string | undefined },
): string {
  const { host, port } = firstAddress(config);
  const cli = "node dist/main.js";
  const file = "-c config/sandbox.yaml";
  const status = pages.status === undefined ? [] : [`Status page, a link for one login: ${pages.status}`];
  return [
    "Try next, in another terminal:",
    `  swaks --server ${host}:${port} --from cron@app01.internal --to you@example.org`,
    `  printf 'Subject: hello\\n\\nhi\\n' | curl -sS smtp://${host}:${port} --mail-from root@app01.internal --mail-rcpt you@example.org -T -`,
    `  ${cli} queue ${file}                        what waits, and why`,
    `  ${cli} status-url ${file}                   another link to the status page`,
    `  ${cli} explain --from cron@app01.internal ${file}`,
    ...status,
    `Mail that arrived: ${pages.arrived} and ${SANDBOX_DIR}/arrived. Ctrl-C ends everything.\n`,
  ].join("\n");
}

/** A fact as the demo prints it, its message named; nothing for those that say nothing new. */
function factLines(fact: Fact): string[] {
  return stepsOf(fact, "").map(({ step, text }) => {
    const id = step === "rule" || step === "accepted" ? "" : `${fact.id ?? ""} `;
    return stepLine({ step, text: `${id}${text}` });
  });
}

function firstAddress(config: Config): { host: string; port: number } {
  const [address] = config.listen.addresses;
  if (!address)
    throw new CommandError(exit.config, "Cannot run the demo as it listens nowhere: see listen.addresses");
  return address;
}

function where(config: Config): string {
  return config.listen.addresses.map(({ host, port }) => `${host}:${port}`).join(" and ");
}

interface Watch<T> {
  tell(value: T): void;
  /** The first value, told already or later; undefined after `PATIENCE_MS`. */
  first(): Promise<T | undefined>;
  /** From now on every value goes to `see`. */
  follow(see: (value: T) => void): void;
}

function watch<T>(): Watch<T> {
  const told: T[] = [];
  let see: ((value: T) => void) | undefined;
  return {
    tell(value) {
      if (see) see(value);
      else told.push(value);
    },
    async first() {
      for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
        if (told[0] !== undefined) return told[0];
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return undefined;
    },
    follow(next) {
      see = next;
    },
  };
}
