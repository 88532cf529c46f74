/**
 * Speaks to the upstream as delivery does, by the same code, up to EHLO or AUTH, and no further.
 *
 * Promises: no MAIL command; AUTH only inside TLS with a verified certificate; QUIT is said; over within TALK_MS.
 * Refuses to try again: a wrong password counts against the account at the service.
 */
import net from "node:net";
import { type PeerCertificate, TLSSocket } from "node:tls";
import type { Secret } from "../config/config.ts";
import { CAUSE, type Failure } from "../schedule/outcome.ts";
import { connect, secure, tlsOptions } from "../upstream/dial.ts";
import { Dialogue } from "../upstream/dialogue.ts";
import { authMethod, type Offer, readEhlo } from "../upstream/ehlo.ts";
import { breakdown, scrubberOf, timeout } from "../upstream/replies.ts";
import type { Target } from "./patient.ts";

const TALK_MS = 9000;
const TIMEOUTS = { connectMs: 4000, greetingMs: 6000, commandMs: 6000, dotMs: 6000, quitMs: 1000 };

export interface Place {
  readonly host: string;
  readonly address: string;
  readonly target: Target;
}

export interface Credential {
  readonly username: string;
  readonly password: Secret;
}

/** How far it came. */
export interface Talk {
  /** host[ip]:port */
  readonly who: string;
  /** With TLS standing and its certificate verified. */
  readonly tls?: {
    readonly protocol: string;
    readonly cipher: string;
    readonly certificate: PeerCertificate;
  };
  readonly offer?: Offer;
  /** Why it went no further; absent when all went well. */
  readonly failure?: Failure;
}

/** To the end of EHLO; with `credential`, to the end of AUTH. */
export async function talk({ host, address, target }: Place, credential?: Credential): Promise<Talk> {
  const who = net.isIP(host) === 0 ? `${host}[${address}]:${target.port}` : `[${address}]:${target.port}`;
  const scrub = scrubberOf({
    username: credential?.username ?? "",
    password: credential?.password.reveal() ?? "",
  });
  const signal = AbortSignal.timeout(TALK_MS);
  const waiting = { who, signal, scrub };
  const settings = { host, ...target };
  const connected = await connect(address, target.port, { ...waiting, limitMs: TIMEOUTS.connectMs });
  if (!connected.ok) return { who, failure: connected.failure };
  const secured = target.security === "tls";
  const dialled = secured
    ? await secure(connected.value, settings, { ...waiting, limitMs: TIMEOUTS.commandMs })
    : connected;
  if (!dialled.ok) return { who, failure: inTime(dialled.failure, who) };

  const nodemailer = { host, port: target.port, name: target.hostname, tls: tlsOptions(settings) };
  const dialogue = new Dialogue({
    ...waiting,
    socket: dialled.value,
    secured,
    nodemailer,
    timeouts: TIMEOUTS,
  });
  try {
    return await converse(dialogue, who, credential);
  } finally {
    await dialogue.quit();
  }
}

async function converse(dialogue: Dialogue, who: string, credential: Credential | undefined): Promise<Talk> {
  const greeted = await dialogue.open();
  const tls = tlsOf(dialogue.socket);
  const stands = tls === undefined ? {} : { tls };
  if (!greeted.ok) return { who, ...stands, failure: inTime(greeted.failure, who) };
  const offer = readEhlo(greeted.value);
  if (credential === undefined || tls === undefined) return { who, ...stands, offer };
  const method = authMethod(offer);
  if (method === undefined) {
    const offered = offer.auth.length === 0 ? "no AUTH" : `only AUTH ${offer.auth.join(" ")}`;
    return { who, tls, offer, failure: breakdown(who, "auth", CAUSE.noAuth, `it offers ${offered}`) };
  }
  const { username: user, password } = credential;
  const said = await dialogue.login({ user, pass: password.reveal(), method });
  return said.ok ? { who, tls, offer } : { who, tls, offer, failure: inTime(said.failure, who) };
}

function tlsOf(socket: net.Socket | undefined): Talk["tls"] {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  return {
    protocol: socket.getProtocol() ?? "unknown",
    cipher: socket.getCipher()?.name ?? "unknown",
    certificate: socket.getPeerCertificate(),
  };
}

/** What we cut off ourselves took too long. */
function inTime(failure: Failure, who: string): Failure {
  return failure.cause === CAUSE.aborted ? timeout(who, failure.stage, TALK_MS) : failure;
}
