/**
 * What every upstream test begins with: an upstream, a session to it, a message; all closed afterwards.
 */
import { afterEach, beforeAll, expect } from "vitest";
import type { Address } from "../../../src/mail/address.ts";
import type { Envelope } from "../../../src/mail/envelope.ts";
import type { Failure } from "../../../src/schedule/outcome.ts";
import { judge } from "../../../src/schedule/verdict.ts";
import { type Opened, openSession, type SessionOptions } from "../../../src/upstream/open.ts";
import type { Session, Transaction } from "../../../src/upstream/session.ts";
import { type Authority, type KeyAndCertificate, makeAuthority } from "./certificates.ts";
import { type Script, startUpstream, type Upstream, type UpstreamOptions } from "./scripted.ts";

export const PASSWORD = "open sesame";
const USERNAME = "6f1c2c1e";

let authority: Authority;
let localhost: KeyAndCertificate;
const cleanUp: (() => Promise<void>)[] = [];

beforeAll(async () => {
  authority = await makeAuthority();
  localhost = await authority.issue({ names: ["localhost"], addresses: ["127.0.0.1"] });
});

afterEach(async () => {
  for (const close of cleanUp.splice(0)) await close();
});

export const trusted = () => authority;

/** An upstream on 127.0.0.1, with a good certificate unless another is given. */
export async function upstream(options: Partial<UpstreamOptions> = {}): Promise<Upstream> {
  const started = await startUpstream({ certificate: localhost, ...options });
  cleanUp.push(() => started.close());
  return started;
}

export function optionsFor({ port }: { port: number }, more: Partial<SessionOptions> = {}): SessionOptions {
  return {
    host: "127.0.0.1",
    port,
    security: "starttls",
    ca: authority.ca,
    hostname: "app01.example.edu",
    username: USERNAME,
    password: { reveal: () => PASSWORD },
    mailMax: 100,
    judge,
    ...more,
  };
}

/** Tries to open a session; it is closed after the test if it opens. */
export async function tryOpen(
  to: { port: number },
  more: Partial<SessionOptions> = {},
  signal?: AbortSignal,
): Promise<Opened> {
  const opened = await openSession(optionsFor(to, more), signal);
  if (opened.ok) cleanUp.push(() => opened.session.quit());
  return opened;
}

export async function open(
  to: { port: number },
  more: Partial<SessionOptions> = {},
  signal?: AbortSignal,
): Promise<Session> {
  const opened = await tryOpen(to, more, signal);
  if (!opened.ok) throw new Error(`Cannot open a session: ${JSON.stringify(opened.failure)}`);
  return opened.session;
}

export async function failureToOpen(
  to: { port: number },
  more: Partial<SessionOptions> = {},
): Promise<Failure> {
  const opened = await tryOpen(to, more);
  if (opened.ok) throw new Error("The session opened");
  return opened.failure;
}

/** A scripted upstream and a session to it. */
export async function talk(script: Script, more: Partial<SessionOptions> = {}) {
  const up = await upstream({ script });
  const session = await open(up, more);
  return { up, session, peer: up.peers[0]! };
}

export const address = (text: string) => text as Address;
export const A = address("a@example.edu");
export const B = address("b@example.edu");
export const C = address("c@example.edu");

export function envelope(...recipients: Address[]): Envelope {
  return {
    sender: address("portal@lab.example.edu"),
    recipients: recipients.length === 0 ? [A] : recipients,
  };
}

export function message(text = "Subject: hello\r\n\r\nhello\r\n", eightBit = false) {
  const body = Buffer.from(text, "latin1");
  return { sizeBytes: body.length, eightBit, body };
}

/** One line a recipient: `a@example.edu delivered`, `b@example.edu rcpt 550 recipient bounce`. */
export function summary({ results }: Transaction): string[] {
  return results.map((result) => {
    if (result.status === "delivered") return `${result.recipient} delivered`;
    const { stage, reply, cause } = result.failure;
    return `${result.recipient} ${stage} ${reply?.code ?? cause} ${result.verdict.scope} ${result.verdict.action}`;
  });
}

/** The positive control: the session delivers another message. */
export async function expectToDeliver(session: Session): Promise<void> {
  const sent = await session.send(envelope(), message());
  expect(summary(sent)).toEqual(["a@example.edu delivered"]);
}
