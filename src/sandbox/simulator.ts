/**
 * The upstream simulator: behaves as the relay service does, and sends nothing.
 *
 * Promises: STARTTLS on one port, TLS from the first byte on another, one certificate authority for both, kept
 * in `dir` so that restarts keep trust; every rule of the service enforced; what arrived is on disk before
 * the 250. Everything it knows of is bounded: see arrivals.ts, server.ts and dialog.ts.
 * Refuses to listen beyond this machine unless `host` says so.
 */
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { type Arrived, openArrivals } from "./arrivals.ts";
import { loadCertificates } from "./certificates.ts";
import { type FailRule, Faults } from "./faults.ts";
import { HourlyLimit } from "./hourly-limit.ts";
import type { House, SessionRecord } from "./house.ts";
import { keepPassword } from "./password.ts";
import type { SenderPair } from "./senders.ts";
import { SimulatorServer } from "./server.ts";

export interface SandboxOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0: any free port. */
  readonly starttlsPort: number;
  /** 0: any free port. */
  readonly tlsPort: number;
  /** Gets ca.pem, the certificate, password, arrived.jsonl and arrived/*.eml; made when missing. */
  readonly dir: string;
  readonly username: string;
  readonly password: string;
  /** The known pairs; absent: every sender may send. */
  readonly pairs?: readonly SenderPair[];
  /** The first size that is refused; default 5,000,000. */
  readonly maxMessageBytes?: number;
  /** The session's last MAIL; the one after it gets 421. Default 100. */
  readonly messagesPerSession?: number;
  /** What EHLO says in LIMITS MAILMAX (RFC 9422); absent: nothing, whatever the limit is. */
  readonly announcedMailMax?: number;
  /** At most so many messages in any 60 minutes; absent: no such limit. */
  readonly perHour?: number;
  readonly rules?: readonly FailRule[];
  readonly onArrived?: (arrived: Arrived) => void;
  /** Refusals and lost connections, a line each; a stranger's text in it is not cleaned. */
  readonly log?: (line: string) => void;
  /** The clock; default the machine's. */
  readonly now?: () => Date;
}

export interface Sandbox {
  readonly starttlsPort: number;
  readonly tlsPort: number;
  /** PEM. */
  readonly ca: string;
  /** The folder, absolute. */
  readonly dir: string;
  /** The newest 10,000 messages of this run, oldest first; `raw` of the newest 64 MB. */
  readonly arrived: readonly Arrived[];
  /** The newest 1,000 sessions of this run, oldest first, those still open included. */
  readonly sessions: readonly SessionRecord[];
  /** Puts other fail rules in force at once, for open sessions too; their counts begin anew. */
  setRules(rules: readonly FailRule[]): void;
  close(): Promise<void>;
}

const KEPT_SESSIONS = 1000;

/** Starts it; resolves when both ports listen. Rejects with a sentence when a port or the folder cannot be had. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const dir = resolve(options.dir);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const now = options.now ?? (() => new Date());
  const certificates = await loadCertificates(dir, now());
  await keepPassword(dir, options.password);
  const arrivals = await openArrivals(dir);
  const faults = new Faults(options.rules);
  const house: House = {
    username: options.username,
    password: options.password,
    pairs: options.pairs,
    tooBigBytes: options.maxMessageBytes ?? 5_000_000,
    messagesPerSession: options.messagesPerSession ?? 100,
    announcedMailMax: options.announcedMailMax,
    hour: options.perHour === undefined ? undefined : new HourlyLimit(options.perHour),
    faults,
    arrivals,
    now,
    onArrived: options.onArrived ?? (() => {}),
    log: options.log ?? (() => {}),
  };
  const sessions: SessionRecord[] = [];
  const onSession = (record: SessionRecord) => {
    sessions.push(record);
    if (sessions.length > KEPT_SESSIONS) sessions.shift();
  };
  const starttls = new SimulatorServer({ security: "starttls", certificates, house, onSession });
  const tls = new SimulatorServer({ security: "tls", certificates, house, onSession });
  const host = options.host ?? "127.0.0.1";
  const close = async () => {
    await Promise.all([starttls.end(), tls.end()]);
    await arrivals.close();
  };
  try {
    return {
      starttlsPort: await openPort(starttls, host, options.starttlsPort),
      tlsPort: await openPort(tls, host, options.tlsPort),
      ca: certificates.ca,
      dir,
      arrived: arrivals.newest,
      sessions,
      setRules: (rules) => faults.set(rules),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openPort(server: SimulatorServer, host: string, port: number): Promise<number> {
  try {
    return await server.open(host, port);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === "EADDRINUSE" ? "another program has it" : code === "EACCES" ? "it needs root" : message;
    throw new Error(`Cannot listen on ${host}:${port} as ${why}. Choose another port.`, { cause: error });
  }
}
