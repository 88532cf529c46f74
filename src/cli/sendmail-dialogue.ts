/**
 * The few words of SMTP that hand one message to the agent's listener.
 *
 * Not nodemailer's: it takes longer to load than all of this takes, and the message must go as it is.
 * Promises: all recipients or none, so that the exit code tells the truth about each of them: the first refusal ends it
 * before DATA. A listener that is stopping (421) is asked once more, when it may be up again.
 */
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { hostToReach, type ListenAddress } from "../config/listen-address.ts";
import { CommandError, exit } from "./exit.ts";

export interface HandIn {
  /** Without brackets: an address, a name without a domain, or nothing. */
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly sizeBytes: number;
  /** With stuffed dots and the final one; undefined when it is too big to be kept: the listener is to say so. */
  readonly wire: Iterable<Buffer> | undefined;
}

// RFC 5321 §4.5.3.2.1: five minutes for the greeting. A socket that systemd holds open waits for the agent that is starting.
const PATIENCE_MS = 5 * 60_000;
const SECOND_TRY_MS = 1000;
const REPLY_MAX = 64_000;
const WHOLE_REPLY = /^(?:\d{3}-[^\n]*\n)*(\d{3}(?: [^\r\n]*)?)\r?\n/;

/** The first listener that can be reached; ends the command when there is none. */
export async function reach(addresses: readonly ListenAddress[]): Promise<Socket> {
  const failures: string[] = [];
  for (const address of addresses) {
    const socket = createConnection({ host: hostToReach(address), port: address.port });
    try {
      await once(socket, "connect");
      return socket;
    } catch (error) {
      failures.push(reasonOf(error));
    }
  }
  throw new CommandError(
    exit.tryAgain,
    `Cannot reach the agent (${failures.join(", ")}); nothing was sent: start it, then send it again`,
  );
}

/** Hands it in; gives the reply that decided, in its last line. Ends the command when the listener is lost on the way. */
export async function handIn(addresses: readonly ListenAddress[], message: HandIn): Promise<string> {
  const reply = await attempt(addresses, message);
  if (!reply.startsWith("421")) return reply;
  await pause(SECOND_TRY_MS);
  return attempt(addresses, message);
}

async function attempt(addresses: readonly ListenAddress[], message: HandIn): Promise<string> {
  const socket = await reach(addresses);
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error("no answer for five minutes")));
  const replies = repliesOn(socket);
  const hear = async () => {
    const next = await replies.next();
    if (next.done) throw new Error("it closed the connection");
    return next.value;
  };
  let doubt = "nothing was sent: send it again";
  try {
    const answer = await converse(message, {
      hear,
      write: (bytes) => socket.write(bytes),
      dotSaid: () => {
        doubt = "it may have been taken: whoever sends it again may send it twice";
      },
    });
    socket.write("QUIT\r\n");
    await hear().catch(() => undefined); // what counts was said before
    return answer;
  } catch (error) {
    throw new CommandError(exit.tryAgain, `The agent was lost on the way (${reasonOf(error)}); ${doubt}`);
  } finally {
    socket.destroy();
  }
}

interface Line {
  hear(): Promise<string>;
  write(bytes: string | Buffer): void;
  dotSaid(): void;
}

async function converse({ sender, recipients, sizeBytes, wire }: HandIn, line: Line): Promise<string> {
  const mail = ["EHLO localhost", `MAIL FROM:<${sender}> SIZE=${sizeBytes}`];
  const rest = [...recipients.map((recipient) => `RCPT TO:<${recipient}>`), "DATA"];
  let reply = await line.hear();
  for (const command of wire === undefined ? mail : [...mail, ...rest]) {
    if (!reply.startsWith("2")) return reply;
    line.write(`${command}\r\n`);
    reply = await line.hear();
  }
  if (wire === undefined || !reply.startsWith("3")) return reply;
  for (const piece of wire) line.write(piece);
  line.dotSaid();
  return line.hear();
}

/** The last line of each reply. */
async function* repliesOn(socket: Socket): AsyncGenerator<string, void> {
  let text = "";
  for await (const piece of socket.setEncoding("latin1")) {
    text += piece;
    for (let whole = WHOLE_REPLY.exec(text); whole?.[1]; whole = WHOLE_REPLY.exec(text)) {
      text = text.slice(whole[0].length);
      yield whole[1];
    }
    if (text.length > REPLY_MAX) throw new Error("its reply has no end");
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
