/**
 * The command line: which commands there are, and how every one of them ends.
 *
 * Promises: only the file of the command that is called is loaded, so the start is quick; an error is a sentence on
 * stderr and an exit code, never a stack trace (NODE_DEBUG=sluice shows the stack of a bug), with no byte of a stranger
 * as it came.
 * Refuses: unknown commands and options with a did-you-mean, exit code 64.
 */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { endedBy, exit, harmless } from "./exit.ts";

/** One file of commands. Each is loaded when one of its commands is called, all of them for help and for typos. */
interface Group {
  readonly commands: readonly string[];
  readonly register: (program: Command) => Promise<void>;
}

const GROUPS: readonly Group[] = [
  { commands: ["run"], register: async (p) => (await import("./run.ts")).registerRun(p) },
  { commands: ["check"], register: async (p) => (await import("./check.ts")).registerCheck(p) },
  { commands: ["config"], register: async (p) => (await import("./config.ts")).registerConfig(p) },
  { commands: ["doctor"], register: async (p) => (await import("./doctor.ts")).registerDoctor(p) },
  { commands: ["explain"], register: async (p) => (await import("./explain.ts")).registerExplain(p) },
  { commands: ["send-test"], register: async (p) => (await import("./send-test.ts")).registerSendTest(p) },
  { commands: ["queue"], register: async (p) => (await import("./queue.ts")).registerQueue(p) },
  {
    commands: ["sendmail"],
    register: async (p) => (await import("./sendmail.ts")).registerSendmail(p),
  },
  { commands: ["trace"], register: async (p) => (await import("./trace.ts")).registerTrace(p) },
  { commands: ["usage"], register: async (p) => (await import("./usage.ts")).registerUsage(p) },
  { commands: ["plan"], register: async (p) => (await import("./plan.ts")).registerPlan(p) },
  {
    commands: ["request-sheet"],
    register: async (p) => (await import("./request-sheet.ts")).registerRequestSheet(p),
  },
  {
    commands: ["status-url"],
    register: async (p) => (await import("./status-url.ts")).registerStatusUrl(p),
  },
  { commands: ["demo"], register: async (p) => (await import("./demo.ts")).registerDemo(p) },
  { commands: ["sandbox"], register: async (p) => (await import("./sandbox.ts")).registerSandbox(p) },
];

/** What the program does without a command. */
const OVERVIEW: Group = {
  commands: [],
  register: async (p) => (await import("./overview.ts")).registerOverview(p),
};

const EXAMPLE = `
Example:
  sluice config --example > sluice.yaml && sluice check -c sluice.yaml

Without a command: how it stands here, in a screen. Options follow the command: sluice queue -c sluice.yaml

Exit codes: 0 ok, 1 a check failed, 64 usage, 65 data, 69 unavailable, 70 bug, 75 try again, 77 not allowed, 78 config`;

/** Runs one command line (without node and script name) to its end; gives the exit code. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  try {
    const program = newProgram();
    for (const group of groupsFor(args)) await group.register(program);
    await program.parseAsync(args, { from: "user" });
    return exit.ok;
  } catch (error) {
    return exitCodeOf(error);
  }
}

function newProgram(): Command {
  return new Command("sluice")
    .description("A sidecar mail relay: plain SMTP from localhost in, authenticated TLS out.")
    .version(version(), "--version", "print the version")
    .showSuggestionAfterError()
    .showHelpAfterError("(--help says what there is)")
    .configureOutput({ outputError: (text, write) => write(harmless(text)) })
    .addHelpText("after", EXAMPLE)
    .exitOverride();
}

/** The group of the command that is called, or all of them when no command of ours is. */
function groupsFor(args: readonly string[]): readonly Group[] {
  if (args[0] === "--version") return [];
  if (args[0] === undefined || /^(-c|--config|--json)\b/.test(args[0])) return [OVERVIEW];
  const group = GROUPS.find(({ commands }) => commands.includes(args[0] ?? ""));
  return group ? [group] : GROUPS;
}

function version(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

function exitCodeOf(error: unknown): number {
  // commander has printed its message; it knows no codes but 0 and 1, unless a command asked for another.
  if (error instanceof CommanderError) return error.exitCode === 1 ? exit.usage : error.exitCode;
  return endedBy(error);
}
