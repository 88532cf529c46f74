/**
 * From a host name to a socket: resolve it once, connect to one address, speak TLS at once where asked.
 *
 * Promises: /etc/hosts and nsswitch count (getaddrinfo); certificates are always verified, against the host
 * name (or, where the host is an address, its IP SAN); TLS 1.2 at least; every wait has a limit; a socket
 * that is given out has an 'error' listener for good. Refuses plaintext: nodemailer, which gets the socket
 * next, is told to require STARTTLS.
 */
import { lookup } from "node:dns/promises";
import net from "node:net";
import tls from "node:tls";
import type { Failure, Stage } from "../schedule/outcome.ts";
import { CAUSE } from "../schedule/outcome.ts";
import { breakdown, fromSystemError, type Scrub, timeout } from "./replies.ts";

export interface TlsSettings {
  readonly host: string;
  /** OpenSSL list for TLS 1.2; TLS 1.3 keeps its own suites. */
  readonly ciphers?: string;
  /** PEM, trusted besides the roots that come with Node. */
  readonly ca?: string;
}

export type Dialled<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: Failure };

/** What every wait needs to know. */
export interface Waiting {
  readonly who: string;
  readonly limitMs: number;
  readonly signal: AbortSignal | undefined;
  readonly scrub: Scrub;
}

const CONTEXTS_MAX = 16;
const ignore = (): void => {};

/** How TLS is spoken, by us and by nodemailer after STARTTLS. */
export function tlsOptions({ host, ciphers, ca }: TlsSettings): tls.ConnectionOptions {
  return {
    host, // what an IP SAN is compared with: RFC 9525 §6.3, no name is known then
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
    rejectUnauthorized: true, // said, since an environment variable could turn the default off
    secureContext: contextFor(ciphers, ca),
  };
}

/** Made once for each setting: it parses all root certificates, 20 ms of work that every session would repeat. */
const contexts = new Map<string, tls.SecureContext>();

function contextFor(ciphers: string | undefined, ca: string | undefined): tls.SecureContext {
  const key = JSON.stringify([ciphers, ca]);
  const known = contexts.get(key);
  if (known) return known;
  const made = tls.createSecureContext({
    minVersion: "TLSv1.2", // RFC 8997
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(ca === undefined ? {} : { ca: [...tls.rootCertificates, ca] }),
  });
  if (contexts.size >= CONTEXTS_MAX) contexts.clear(); // configs that were reloaded away
  contexts.set(key, made);
  return made;
}

/** All addresses of a host, in the order of the system. */
export function resolve(host: string, waiting: Waiting): Promise<Dialled<readonly string[]>> {
  return outcome("dns", waiting, ignore, async (done, fail) => {
    try {
      const found = await lookup(host, { all: true });
      done(found.map(({ address }) => address));
    } catch (error) {
      fail(error as NodeJS.ErrnoException);
    }
  });
}

export function connect(address: string, port: number, waiting: Waiting): Promise<Dialled<net.Socket>> {
  const socket = net.connect({ host: address, port, noDelay: true });
  const stop = () => socket.destroy();
  return outcome("connect", waiting, stop, (done, fail) => {
    socket.on("error", fail);
    socket.once("connect", () => done(socket));
  });
}

/** RFC 8314 §3.3: implicit TLS. */
export function secure(
  socket: net.Socket,
  settings: TlsSettings,
  waiting: Waiting,
): Promise<Dialled<tls.TLSSocket>> {
  const secured = tls.connect({ ...tlsOptions(settings), socket });
  const stop = () => {
    secured.destroy();
    socket.destroy();
  };
  return outcome("tls", waiting, stop, (done, fail) => {
    secured.on("error", fail);
    secured.once("secureConnect", () => done(secured));
  });
}

/** Waits for `done` or `fail`, at most `limitMs`, or until aborted; `stop` undoes what was begun. */
function outcome<T>(
  stage: Stage,
  { who, limitMs, signal, scrub }: Waiting,
  stop: () => void,
  begin: (done: (value: T) => void, fail: (error: NodeJS.ErrnoException) => void) => void,
): Promise<Dialled<T>> {
  return new Promise((resolve) => {
    const settle = (dialled: Dialled<T>) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      resolve(dialled);
    };
    const fail = (failure: Failure) => {
      stop();
      settle({ ok: false, failure });
    };
    const abort = () => fail(breakdown(who, stage, CAUSE.aborted, "stopped by sluice"));
    const timer = setTimeout(() => fail(timeout(who, stage, limitMs)), limitMs);
    signal?.addEventListener("abort", abort, { once: true });
    begin(
      (value) => settle({ ok: true, value }),
      (error) => fail(fromSystemError(who, stage, error, scrub)),
    );
    if (signal?.aborted) abort();
  });
}
