/**
 * From what nodemailer and Node report to our `Failure`: readable, bounded, without a secret.
 *
 * Promises: text from the upstream is visible and cut; the password, plain or as AUTH PLAIN and AUTH LOGIN
 * put it, is struck out of every text, in case an upstream echoes it.
 */
import { visible } from "../mail/reply.ts";
import { CAUSE, type Failure, type Stage, type UpstreamReply } from "../schedule/outcome.ts";

/** Strikes secrets out of a text. */
export type Scrub = (text: string) => string;

const AT: Readonly<Record<Stage, string>> = {
  dns: "looking up its address",
  connect: "connecting",
  greeting: "waiting for its greeting",
  tls: "setting up TLS",
  ehlo: "waiting for its reply to EHLO",
  auth: "authenticating",
  mail: "waiting for its reply to MAIL",
  rcpt: "waiting for its reply to RCPT",
  data: "waiting for its reply to DATA",
  body: "sending the message",
  dot: "waiting for its reply to the final dot",
};

const ANSWERED: Readonly<Record<Stage, string>> = {
  dns: "the lookup",
  connect: "the connection",
  greeting: "the connection",
  tls: "STARTTLS",
  ehlo: "EHLO",
  auth: "AUTH",
  mail: "MAIL",
  rcpt: "RCPT",
  data: "DATA",
  body: "the message before it was all sent",
  dot: "the message",
};

export function scrubberOf(secret: { readonly username: string; readonly password: string }): Scrub {
  const base64 = (text: string) => Buffer.from(text, "utf8").toString("base64");
  const { username, password } = secret;
  const secrets = [base64(`\0${username}\0${password}`), base64(password), password].filter(Boolean);
  return (text) => secrets.reduce((clean, struck) => clean.split(struck).join("****"), text);
}

/** Reads a whole reply, several lines perhaps, as it came. */
export function readReply(raw: string, scrub: Scrub): UpstreamReply {
  const [, code, enhanced] = /^(\d{3})(?:[ -]+([245]\.\d{1,3}\.\d{1,3})(?![.\d]))?/.exec(raw) ?? [];
  const text = visible(scrub(raw));
  return { code: Number(code ?? 0), ...(enhanced === undefined ? {} : { enhanced }), text };
}

/** The upstream answered, and not as it should have. `who`: host[ip]:port. */
export function refusal(who: string, stage: Stage, reply: UpstreamReply): Failure {
  return { stage, reply, text: `${who} answered ${ANSWERED[stage]} with: ${reply.text}` };
}

/** The upstream did not answer. `detail` is what Node or nodemailer says of it. */
export function breakdown(who: string, stage: Stage, cause: string, detail: string): Failure {
  return {
    stage,
    cause,
    text: `${who}: ${visible(detail, 300)} (${visible(cause, 60)}), while ${AT[stage]}`,
  };
}

export function timeout(who: string, stage: Stage, afterMs: number): Failure {
  return breakdown(who, stage, CAUSE.timeout, `nothing came of it in ${afterMs / 1000} s`);
}

/** An Error of Node's net, tls or dns, at `stage`. */
export function fromSystemError(
  who: string,
  stage: Stage,
  error: NodeJS.ErrnoException,
  scrub: Scrub,
): Failure {
  return breakdown(who, stage, error.code ?? "UNKNOWN", scrub(error.message || error.name));
}
