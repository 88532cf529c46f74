/**
 * `sluice sendmail`: what programs call as /usr/sbin/sendmail, and as mailq and newaliases.
 *
 * Installed by name: main.ts looks at the last part of the path that Node was told to run, which Node leaves as it was
 * called, so a symbolic link /usr/sbin/sendmail -> …/dist/main.js works where `node` is on PATH; a package that brings a
 * Node of its own installs `#!/bin/sh` and `exec …/node …/dist/main.js sendmail "$@"` (mailq likewise).
 *
 * Promises: exit code 0 means that the agent has the message on disk. Any other, with one sentence on stderr, means that
 * nothing was queued for any recipient, and that the caller still has it; only when the agent was lost between the final
 * dot and its reply it may have been, and the sentence says so.
 * Refuses to be a queue of its own: without an agent it says 75 and keeps nothing. A second spool, or a dead.letter in
 * somebody's home, would be mail in a place where no bound, no doctor and no operator looks; and systemd keeps port 25
 * open while the agent restarts. It trusts no caller and gives none any rights: it says what any program can say on the port.
 */
import type { Command } from "commander";
import { defaultConfigFile, processEnvironment } from "../config/environment.ts";
import { readSubmission, type Submission } from "../config/submission.ts";
import { parseAddressList } from "../mail/address-list.ts";
import { visible } from "../mail/reply.ts";
import { CommandError, type ExitCode, endedBy, exit } from "./exit.ts";
import { handIn, reach } from "./sendmail-dialogue.ts";
import { headOf, type Input, readInput, recipientsIn, wirePieces, withFullName } from "./sendmail-message.ts";
import type { SendmailName } from "./sendmail-name.ts";
import { readSendmailArguments, type SendmailOptions } from "./sendmail-options.ts";
import { exitCodeOfReply } from "./sendmail-outcome.ts";
import { bytesOf, callingUser } from "./sendmail-sender.ts";

const USAGE = `Usage: sendmail [options] [--] [recipient...]      hands the message on stdin to the agent
       sendmail -bp | mailq                        the queue, as sluice queue prints it
       sendmail -bs                                SMTP on stdin and stdout

  -t               the recipients are in To, Cc and Bcc (Resent-* when there are any), and on the command line
  -i, -oi          a line with only a dot does not end the message
  -f, -r ADDRESS   the envelope sender; default: the user who calls, with the agent's host name
  -F NAME          the name in From, when the message has no From
  -v               print the agent's reply
  -C, --config FILE   the config file; $SLUICE_CONFIG names another default
Other options of sendmail are taken and ignored.

Examples:
  sluice sendmail -t -i < message.eml
  printf 'Subject: backup\\n\\ndone\\n' | sendmail root

Exit codes: 0 queued, 64 usage, 65 the message or an address, 67 no such user, 69 refused, 75 try again, 77 not allowed, 78 config`;

/** Adds it to the list of commands. main.ts calls it straight away: options are sendmail's own to read. */
export function registerSendmail(program: Command): void {
  program
    .command("sendmail")
    .description("hand in the message on stdin, as /usr/sbin/sendmail does")
    .argument("[words...]")
    .allowUnknownOption()
    .helpOption(false)
    .action(async (words: string[]) => {
      const code = await runSendmail("sendmail", words);
      if (code !== exit.ok) throw new CommandError(code, "");
    });
}

/** Runs it to its end. `name`: what it was called as; `words`: what follows. */
export async function runSendmail(name: SendmailName, words: readonly string[]): Promise<ExitCode> {
  try {
    const read = readSendmailArguments(name, words);
    switch (read.kind) {
      case "help":
        console.log(USAGE);
        return exit.ok;
      case "refused":
        throw new CommandError(exit[read.why], `${read.problem} (--help says what there is)`);
      case "options":
        return await run(read.options);
    }
  } catch (error) {
    return endedBy(error, `${name}: `);
  }
}

async function run(options: SendmailOptions): Promise<ExitCode> {
  const config = options.config ?? defaultConfigFile(processEnvironment());
  switch (options.mode) {
    case "nothing":
      return exit.ok;
    case "queue":
      await (await import("./queue-list.ts")).list({ config });
      return exit.ok;
    case "smtp":
      return speakSmtp(submissionOrEnd(config));
    case "deliver":
      return deliver(options, submissionOrEnd(config));
  }
}

function submissionOrEnd(file: string): Submission {
  const read = readSubmission(file, processEnvironment());
  if (read.ok) return read;
  throw new CommandError(exit.config, read.problem);
}

async function deliver(options: SendmailOptions, submission: Submission): Promise<ExitCode> {
  const given = argumentRecipients(options);
  const { addresses, messageSizeBytes: maxBytes } = submission;
  const input = await readInput(process.stdin, { dots: options.dots, maxBytes }).catch((error) => {
    throw new CommandError(exit.tryAgain, `Cannot read the message: ${error.message}; nothing was sent`);
  });
  const recipients = options.fromHead ? [...given, ...headRecipients(input)] : given;
  if (recipients.length === 0)
    throw new CommandError(exit.data, "The message names no recipients in To, Cc or Bcc");
  const sender = options.sender ?? callingUser();
  const { bytes, sizeBytes } = input;
  const kept = sizeBytes < maxBytes;
  const message = options.fullName === undefined ? bytes : withFullName(bytes, options.fullName, sender);
  const wire = kept ? wirePieces(message) : undefined;
  const reply = await handIn(addresses, { sender, recipients, sizeBytes, wire });
  if (!kept && reply.startsWith("2"))
    throw new CommandError(exit.data, `The message of ${sizeBytes} bytes is not below ${maxBytes} bytes`);
  const code = exitCodeOfReply(reply);
  if (code !== exit.ok) throw new CommandError(code, visible(reply));
  if (options.verbose) console.log(reply);
  return code;
}

function argumentRecipients({ recipients, fromHead }: SendmailOptions): readonly string[] {
  const all = recipients.flatMap((argument) => recipientsOrEnd(parseAddressList(bytesOf(argument))));
  if (all.length > 0 || fromHead) return all;
  throw new CommandError(
    exit.usage,
    "Nobody to send to: name recipients, or use -t (--help says what there is)",
  );
}

function headRecipients({ bytes }: Input): readonly string[] {
  const state = headOf(bytes);
  if (state.kind === "refused") throw new CommandError(exit.data, `The message: ${state.problem}`);
  return recipientsOrEnd(recipientsIn(state.head));
}

function recipientsOrEnd(read: ReturnType<typeof parseAddressList>): readonly string[] {
  if (read.ok) return read.recipients;
  throw new CommandError(exit.data, `Recipient ${read.problem}`);
}

/** -bs: a pipe between the caller and the listener, which greets, answers and refuses in its own words. */
async function speakSmtp({ addresses }: Submission): Promise<ExitCode> {
  const socket = await reach(addresses).catch((error: unknown) => {
    console.log("421 4.3.2 the agent is not running; try again later\r");
    throw error;
  });
  process.stdin.pipe(socket).pipe(process.stdout);
  await new Promise<void>((resolve, reject) => {
    socket.once("close", resolve).once("error", ({ message }) => {
      reject(new CommandError(exit.tryAgain, `The agent was lost on the way (${message})`));
    });
  });
  process.stdin.destroy();
  return exit.ok;
}
