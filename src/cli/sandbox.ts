/**
 * `sluice sandbox`: the upstream simulator on its own, in the foreground, until Ctrl-C.
 *
 * Promises: says all that is needed to point a config at it; prints what arrives, and what it refuses, a line each.
 * Refuses a wrong option with a sentence that says what to write; an unavailable port or folder with exit code 69.
 */
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { visible } from "../mail/reply.ts";
import { timeOfDay } from "../observe/figures.ts";
import { arrivalLine } from "../sandbox/arrivals.ts";
import { type FailRule, parseFailRule } from "../sandbox/faults.ts";
import { keptPassword } from "../sandbox/password.ts";
import type { SenderPair } from "../sandbox/senders.ts";
import { type Sandbox, startSandbox } from "../sandbox/simulator.ts";
import { wholeNumber } from "./arguments.ts";
import { type HttpAddress, openArrivedPage, parseHttpAddress } from "./arrived-page.ts";
import { exit } from "./exit.ts";

interface Options {
  port: number;
  tlsPort: number;
  dir: string;
  user: string;
  sender: SenderPair[];
  perHour?: number;
  fail: FailRule[];
  http?: HttpAddress | "off";
}

const HELP_ON_RULES = `
A fail RULE is STAGE[:ADDRESS][#N|#N-M|%N]=ACTION, for example:
  rcpt:bob@example.org=550 5.1.1 no such user    this recipient is refused
  mail#1-3=451 4.7.1 greylisted                  the first three MAIL commands, then no more
  dot%10=451 4.3.0 try again                     every tenth message
  dot=drop                                       kept, but cut before the reply: the client cannot know
Stages: connect greeting ehlo starttls tls auth mail rcpt data body dot.
Actions: a reply (4xx or 5xx), drop, hang, delay 2s, strip (starttls and auth: not offered).`;

export function registerSandbox(program: Command): void {
  const command = program
    .command("sandbox")
    .description("run an upstream that behaves as the relay service does and sends nothing")
    .option("--port <port>", "port with STARTTLS", parsePort, 2587)
    .option("--tls-port <port>", "port with TLS from the first byte", parsePort, 2465)
    .option("--dir <folder>", "keeps certificates, the password and what arrived", "./sluice-sandbox")
    .option("--user <name>", "the user name of its one account", "sandbox")
    .option(
      "--sender <address>",
      "known sender, or pair as ENVELOPE,HEADER; repeatable; none: all",
      addSender,
      [],
    )
    .option("--per-hour <count>", "at most so many messages in any 60 minutes", wholeNumber({ least: 1 }))
    .option("--fail <rule>", "go wrong as the rule says; repeatable", addRule, [])
    .option("--http <address>", "where it shows what arrived, HOST:PORT on this machine, or off", parseHttp)
    .addHelpText("after", HELP_ON_RULES)
    .action(async (options: Options) => {
      try {
        await runSandbox(options);
      } catch (error) {
        command.error(`error: ${(error as Error).message}`, { exitCode: exit.unavailable });
      }
    });
}

async function runSandbox(options: Options): Promise<void> {
  const print = (line: string) => console.log(`${timeOfDay(new Date())} ${line}`);
  const sandbox = await startSandbox({
    starttlsPort: options.port,
    tlsPort: options.tlsPort,
    dir: options.dir,
    username: options.user,
    password: await keptPassword(options.dir),
    ...(options.sender.length === 0 ? {} : { pairs: options.sender }),
    ...(options.perHour === undefined ? {} : { perHour: options.perHour }),
    rules: options.fail,
    onArrived: (arrived) => print(`arrived ${arrivalLine(arrived)}`),
    log: (line) => print(visible(line)),
  });
  try {
    const page = options.http === "off" ? undefined : await openArrivedPage(sandbox, options.http);
    console.log(introduction(sandbox, options, page?.url));
    await untilStopped();
    await page?.close();
  } finally {
    await sandbox.close();
  }
}

async function untilStopped(): Promise<void> {
  await new Promise<void>((stop) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => stop());
  });
}

function introduction(
  { starttlsPort, tlsPort, dir }: Sandbox,
  { user, sender, perHour, fail }: Options,
  pageUrl: string | undefined,
): string {
  const senders = sender.length === 0 ? [{ envelope: "app@example.org", header: "app@example.org" }] : sender;
  return [
    "sluice sandbox: an upstream that sends nothing. Ctrl-C ends it.",
    `  STARTTLS    127.0.0.1:${starttlsPort}`,
    `  TLS         127.0.0.1:${tlsPort}`,
    `  CA          ${resolve(dir, "ca.pem")}`,
    `  user        ${user}, password in ${resolve(dir, "password")}`,
    `  senders     ${sender.length === 0 ? "all" : sender.map(pairText).join(" ")}`,
    ...(perHour === undefined ? [] : [`  per hour    ${perHour}`]),
    ...fail.map(({ text }) => `  fail        ${text}`),
    ...(pageUrl === undefined ? [] : [`  page        ${pageUrl}`]),
    `  arrived     ${resolve(dir, "arrived.jsonl")}, messages in ${resolve(dir, "arrived")}`,
    "",
    "For sluice.yaml:",
    "",
    "upstream:",
    "  hosts: [127.0.0.1]",
    `  port: ${starttlsPort}`,
    "  security: starttls",
    `  caFile: ${JSON.stringify(resolve(dir, "ca.pem"))}`,
    "accounts:",
    "  - name: sandbox",
    `    username: ${JSON.stringify(user)}`,
    `    passwordFile: ${JSON.stringify(resolve(dir, "password"))}`,
    "    senders:",
    ...senders.map(({ envelope, header }) =>
      envelope === header
        ? `      - ${JSON.stringify(header)}`
        : `      - { envelope: ${JSON.stringify(envelope)}, header: ${JSON.stringify(header)} }`,
    ),
    `    pace: ${perHour === undefined ? "unlimited" : `{ perHour: ${perHour} }`}`,
    "",
  ].join("\n");
}

function pairText({ envelope, header }: SenderPair): string {
  return envelope === header ? header : `${envelope},${header}`;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("A port is a number from 0 (any free one) to 65535.");
}

function parseHttp(text: string): HttpAddress | "off" {
  const address = text === "off" ? text : parseHttpAddress(text);
  if (address !== undefined) return address;
  throw new InvalidArgumentError("It must be HOST:PORT, as in 127.0.0.1:8026, or off.");
}

function addSender(text: string, known: SenderPair[]): SenderPair[] {
  const halves = text.split(",");
  const [envelope, header = envelope] = halves;
  if (
    halves.length > 2 ||
    envelope === undefined ||
    header === undefined ||
    ![envelope, header].every(isAddress)
  ) {
    throw new InvalidArgumentError(
      "It must be ADDRESS or ENVELOPE,HEADER, as in bounces@example.org,news@example.org.",
    );
  }
  return [...known, { envelope, header }];
}

function isAddress(text: string): boolean {
  return /^[^\s@<>]+@[^\s@<>]+$/.test(text);
}

function addRule(text: string, known: FailRule[]): FailRule[] {
  const parsed = parseFailRule(text);
  if (parsed.ok) return [...known, parsed.rule];
  throw new InvalidArgumentError(parsed.problem);
}
