/**
 * `sluice demo`, which is `npm start`: the whole path in one terminal, nothing leaves the machine.
 *
 * Runs the upstream simulator and the agent with config/sandbox.yaml, submits one message as an old program would,
 * shows each step until it arrived, says what to try next, and stays up until Ctrl-C.
 * Refuses, with a sentence, when the ports are taken.
 */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { createTransport } from "nodemailer";
import type { Agent } from "../agent.ts";
import type { Config } from "../config/config.ts";
import { processEnvironment } from "../config/environment.ts";
import { loadConfig } from "../config/load.ts";
import { controlSocketPath } from "../config/sockets.ts";
import { visible } from "../mail/reply.ts";
import type { Fact } from "../observe/facts.ts";
import { createLog } from "../observe/log.ts";
import { arrivalLine } from "../sandbox/arrivals.ts";
import type { Page } from "../sandbox/page.ts";
import { keptPassword } from "../sandbox/password.ts";
import { type Sandbox, startSandbox } from "../sandbox/simulator.ts";
import { openArrivedPage } from "./arrived-page.ts";
import { loadOrEnd } from "./config-file.ts";
import { CommandError, exit } from "./exit.ts";
import { startOrEnd } from "./run.ts";

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
  const facts = watch<Fact>();
  let agent: Agent | undefined;
  let page: Page | undefined;
  try {
    page = await openArrivedPage(sandbox);
    agent = await startOrEnd({
      config,
      log: createLog({
        level: "info",
        destination: { write: (line) => facts.tell(JSON.parse(line) as Fact) },
      }),
      targets: config.listen.addresses,
      controlSocket: controlSocketPath(config.stateDir, processEnvironment()),
      version,
    });
    console.log(
      `sluice ${version} listens on ${where(config)}; its upstream is a simulator on this machine.\n`,
    );
    await showSample(config, { facts, arrivals, sandbox });
    console.log(whatNext(config, page.url));
    facts.follow((fact) => {
      const line = factLine(fact);
      if (line !== undefined) console.log(line);
    });
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
  seen: { facts: Watch<Fact>; arrivals: Watch<string>; sandbox: Sandbox },
): Promise<void> {
  const { host, port } = firstAddress(config);
  const id = await submit({ host, port });
  console.log(`  submitted  From: ${SAMPLE.from}, no password, no TLS: 250 queued as ${id}`);
  const accepted = await seen.facts.first((fact) => fact.event === "accepted" && fact.id === id);
  if (accepted?.event === "accepted") {
    console.log(`  rewritten  From: ${accepted.from}, envelope ${accepted.sender} (${accepted.rule})`);
  }
  const delivered = await seen.facts.first((fact) => fact.event === "delivered" && fact.id === id);
  if (delivered?.event !== "delivered") {
    throw new CommandError(
      exit.failed,
      `The sample was not delivered within ${PATIENCE_MS / 1000} s; see ${config.stateDir}`,
    );
  }
  const session = seen.sandbox.sessions.find(({ authenticated }) => authenticated);
  console.log(
    `  delivered  to ${delivered.upstream} over ${session?.tls ?? "TLS"} with AUTH: ${visible(delivered.reply.text)}`,
  );
  console.log(`  arrived    ${await seen.arrivals.first(() => true)}\n`);
}

/** As an old program does: plain SMTP, no password. Returns the queue id. */
async function submit({ host, port }: { host: string; port: number }): Promise<string> {
  const transport = createTransport({ host, port, secure: false, ignoreTLS: true });
  const { response } = await transport.sendMail(SAMPLE);
  transport.close();
  return /queued as (\S+)/.exec(response ?? "")?.[1] ?? "";
}

function whatNext(config: Config, pageUrl: string): string {
  const { host, port } = firstAddress(config);
  const cli = "node dist/main.js";
  const file = "-c config/sandbox.yaml";
  return [
    "Try next, in another terminal:",
    `  swaks --server ${host}:${port} --from cron@app01.internal --to you@example.org`,
    `  printf 'Subject: hello\\n\\nhi\\n' | curl -sS smtp://${host}:${port} --mail-from root@app01.internal --mail-rcpt you@example.org -T -`,
    `  ${cli} queue ${file}                        what waits, and why`,
    `  ${cli} explain --from cron@app01.internal ${file}`,
    `Mail that arrived: ${pageUrl} and ${SANDBOX_DIR}/arrived. Ctrl-C ends everything.\n`,
  ].join("\n");
}

/** A fact as the demo prints it; undefined for those that say nothing new. */
function factLine(fact: Fact): string | undefined {
  switch (fact.event) {
    case "accepted":
      return `  accepted   ${fact.id} <${visible(String(fact.sender))}> -> ${visible(fact.recipients.join(", "))}`;
    case "rejected":
      return `  rejected   ${visible(fact.reply)}`;
    case "delivered":
      return `  delivered  ${fact.id} ${visible(fact.reply.text)}`;
    case "deferred":
    case "bounced":
      return `  ${fact.event.padEnd(9)}  ${fact.id} ${visible(fact.reason)}`;
    default:
      return undefined;
  }
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
  /** The first value that matches, told already or later; undefined after `PATIENCE_MS`. */
  first(matches: (value: T) => boolean): Promise<T | undefined>;
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
    async first(matches) {
      for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
        const found = told.find(matches);
        if (found !== undefined) return found;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return undefined;
    },
    follow(next) {
      see = next;
    },
  };
}
