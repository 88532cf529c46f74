/**
 * Clients that submit as fast as they are answered.
 *
 * Promises: every message has a subject of its own, so that loss and repeats can be seen; rejects when one is
 * not accepted.
 */
import { performance } from "node:perf_hooks";
import { SmtpClient, type Submitted, stuffed, submit } from "../support/smtp-client.ts";

export interface Load {
  readonly port: number;
  /** How many submit at the same time. */
  readonly clients: number;
  /** Of all clients together. */
  readonly messages: number;
  /** Messages in a session; default one, as old programs do. */
  readonly perSession?: number;
  readonly sizeBytes: number;
}

export interface Accepted {
  readonly subjects: readonly string[];
  /** From the connect (or from MAIL, in a kept session) to the 250 after the dot. */
  readonly latenciesMs: readonly number[];
  readonly perSecond: number;
}

let madeSoFar = 0;

/** Submits all messages; resolves when the last one has its 250. */
export async function submitAll(load: Load): Promise<Accepted> {
  const subjects: string[] = [];
  const latenciesMs: number[] = [];
  const body = bodyOf(load.sizeBytes);
  let left = load.messages;
  const one = async (send: (data: Buffer) => Promise<Submitted>) => {
    const subject = `b${++madeSoFar}`;
    const message = Buffer.concat([Buffer.from(`Subject: ${subject}\r\n\r\n`), body]);
    const since = performance.now();
    const { code, text } = await send(message);
    latenciesMs.push(performance.now() - since);
    if (code !== 250) throw new Error(`Cannot go on as a message was refused: ${text}`);
    subjects.push(subject);
  };
  const client = async () => {
    while (left > 0) {
      const mine = Math.min(left, load.perSession ?? 1);
      left -= mine;
      if (load.perSession === undefined) await one((message) => submit(load.port, { stuffed: message }));
      else await keptSession(load.port, mine, one);
    }
  };
  const since = performance.now();
  await Promise.all(Array.from({ length: load.clients }, client));
  return { subjects, latenciesMs, perSecond: (load.messages / (performance.now() - since)) * 1000 };
}

async function keptSession(
  port: number,
  messages: number,
  one: (send: (data: Buffer) => Promise<Submitted>) => Promise<void>,
): Promise<void> {
  const session = await SmtpClient.connect(port);
  await session.say("EHLO bench");
  for (let n = 0; n < messages; n++) await one((message) => session.send({ stuffed: message }));
  session.quit();
}

/** Lines of text, about `sizeBytes` in all, dots stuffed, with the end of DATA. */
function bodyOf(sizeBytes: number): Buffer {
  const line = "All work and no play makes a mail relay fast, but who would want to read such mail?\r\n";
  return stuffed(line.repeat(Math.ceil(sizeBytes / line.length)));
}
