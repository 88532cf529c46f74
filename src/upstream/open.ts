/**
 * Opens a session: the host's name is looked up once, its addresses are tried in turn, TLS and AUTH are
 * done.
 *
 * Promises: what goes wrong is a value, with the stage it happened at; of several addresses, the failure
 * that got furthest. Nothing is left open behind a failure.
 * Refuses: to say a credential before TLS with a verified certificate; a session without AUTH.
 */
import net from "node:net";
import { CAUSE, type Failure, STAGES } from "../schedule/outcome.ts";
import type { Judge } from "../schedule/verdict.ts";
import { connect, resolve, secure, type TlsSettings, tlsOptions, type Waiting } from "./dial.ts";
import { Dialogue } from "./dialogue.ts";
import { authMethod, type Offer, readEhlo } from "./ehlo.ts";
import { breakdown, scrubberOf } from "./replies.ts";
import { Session } from "./session.ts";
import { DEFAULT_TIMEOUTS, type Timeouts } from "./timeouts.ts";

export interface SessionOptions extends TlsSettings {
  /** A name, or an IP address. */
  readonly host: string;
  readonly port: number;
  readonly security: "starttls" | "tls";
  /** What EHLO says. */
  readonly hostname: string;
  readonly username: string;
  readonly password: { reveal(): string };
  /** Most MAIL commands in the session; the upstream's MAILMAX lowers it. */
  readonly mailMax: number;
  /** Says what each failure in the session means. */
  readonly judge: Judge;
  readonly timeouts?: Partial<Timeouts>;
}

export type Opened =
  | { readonly ok: true; readonly session: Session }
  | { readonly ok: false; readonly failure: Failure };

/** `signal` ends the opening, and the session too, at any time. */
export async function openSession(options: SessionOptions, signal?: AbortSignal): Promise<Opened> {
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const { host, port, username, password } = options;
  const scrub = scrubberOf({ username, password: password.reveal() });
  const waiting = { who: `${host}:${port}`, limitMs: timeouts.connectMs, signal, scrub };
  const found = await resolve(host, waiting);
  if (!found.ok) return found;

  let furthest: Failure | undefined;
  for (const address of found.value) {
    const who = net.isIP(host) === 0 ? `${host}[${address}]:${port}` : `[${address}]:${port}`;
    const opened = await openAt(options, address, timeouts, { ...waiting, who });
    // another address would judge the same credential, and count one more failure against it
    if (opened.ok || opened.failure.stage === "auth" || signal?.aborted) return opened;
    furthest = further(furthest, opened.failure);
  }
  return { ok: false, failure: furthest ?? breakdown(waiting.who, "dns", "ENODATA", "it has no address") };
}

async function openAt(
  options: SessionOptions,
  address: string,
  timeouts: Timeouts,
  waiting: Waiting,
): Promise<Opened> {
  const { host, port, hostname: name } = options;
  const connected = await connect(address, port, waiting);
  if (!connected.ok) return connected;
  const secured = options.security === "tls";
  const dialled = secured
    ? await secure(connected.value, options, { ...waiting, limitMs: timeouts.commandMs })
    : connected;
  if (!dialled.ok) return dialled;

  const nodemailer = { host, port, name, tls: tlsOptions(options) };
  const dialogue = new Dialogue({ ...waiting, socket: dialled.value, secured, nodemailer, timeouts });
  const ready = await authenticate(dialogue, options, waiting.who);
  if (!ready.ok) {
    dialogue.lose(ready.failure);
    return ready;
  }
  const { who } = waiting;
  const { mailMax, judge } = options;
  return { ok: true, session: new Session({ who, dialogue, offer: ready.offer, mailMax, judge }) };
}

async function authenticate(
  dialogue: Dialogue,
  { username, password }: SessionOptions,
  who: string,
): Promise<{ ok: true; offer: Offer } | { ok: false; failure: Failure }> {
  const greeted = await dialogue.open();
  if (!greeted.ok) return greeted;
  const offer = readEhlo(greeted.value);
  const method = authMethod(offer);
  if (method === undefined) {
    const offered =
      offer.auth.length === 0 ? "it offers no AUTH" : `it offers only AUTH ${offer.auth.join(" ")}`;
    return { ok: false, failure: breakdown(who, "auth", CAUSE.noAuth, offered) };
  }
  const loggedIn = await dialogue.login({ user: username, pass: password.reveal(), method });
  return loggedIn.ok ? { ok: true, offer } : loggedIn;
}

function further(before: Failure | undefined, now: Failure): Failure {
  return before !== undefined && STAGES.indexOf(before.stage) > STAGES.indexOf(now.stage) ? before : now;
}
