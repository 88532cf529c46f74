/**
 * nodemailer's SMTPConnection with what it leaves open: how long each reply is waited for, how much may come,
 * and what becomes of an operation when the connection goes.
 *
 *   alive ──reply too late or too long, connection closed or broken, aborted──▶ lost, for good
 *
 * It learns what is said and heard from nodemailer's transaction log, which hands over each command as it
 * is written and each whole reply as it is taken up.
 *
 * Promises: every wait ends; a step settles once; no 'error' event is left without a listener; when lost,
 * the socket is destroyed and nothing that waited in a buffer goes out.
 * Refuses plaintext, any HELO without extensions, and replies beyond 64 KB.
 */
import type net from "node:net";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import { CAUSE, type Failure, type Stage } from "../schedule/outcome.ts";
import { Course, REPLY_LIMIT_BYTES } from "./course.ts";
import { breakdown, fromSystemError, readReply, refusal, type Scrub, timeout } from "./replies.ts";
import type { Timeouts } from "./timeouts.ts";

const NEVER_MS = 2 ** 31 - 1;
const CLOSE_MS = 1000;

export interface DialogueOptions {
  /** host[ip]:port */
  readonly who: string;
  readonly socket: net.Socket;
  /** TLS is already spoken on the socket; else STARTTLS is required. */
  readonly secured: boolean;
  readonly nodemailer: Pick<SMTPConnection.Options, "host" | "port" | "name" | "tls">;
  readonly timeouts: Timeouts;
  readonly scrub: Scrub;
  readonly signal: AbortSignal | undefined;
}

export type Step<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: Failure };

/** nodemailer's error: a Node error, with the reply that caused it. */
interface SmtpError extends NodeJS.ErrnoException {
  response?: string;
  originalCode?: string;
}

export class Dialogue {
  readonly #options: DialogueOptions;
  readonly #connection: SMTPConnection;
  readonly #abort: () => void;
  readonly #course = new Course((stage) => this.#watch(stage));
  #timer: NodeJS.Timeout | undefined;
  #lost: Failure | undefined;
  #onLost: ((failure: Failure) => void) | undefined;
  #watched: net.Socket | undefined;

  constructor(options: DialogueOptions) {
    this.#options = options;
    this.#connection = new SMTPConnection({
      ...options.nodemailer,
      connection: options.socket,
      secure: options.secured,
      secured: options.secured,
      requireTLS: true, // also where TLS is spoken already: it forbids falling back to HELO
      // our own limits are the shorter ones, and they count a whole reply, not the next byte
      connectionTimeout: NEVER_MS,
      greetingTimeout: NEVER_MS,
      socketTimeout: NEVER_MS,
      socketCloseTimeout: CLOSE_MS,
      maxResponseSize: REPLY_LIMIT_BYTES,
      transactionLog: true,
      logger: this.#transactionLog(),
    });
    this.#connection.on("error", (error: SmtpError) => this.lose(this.#explain(error)));
    // nodemailer may close first and call back after that, in the same turn
    this.#connection.on("end", () => setImmediate(() => this.lose(this.#closed())));
    this.#abort = () =>
      this.lose(breakdown(options.who, this.#course.stage, CAUSE.aborted, "stopped by sluice"));
    options.signal?.addEventListener("abort", this.#abort, { once: true });
    if (options.signal?.aborted) this.#abort();
  }

  get lost(): Failure | undefined {
    return this.#lost ?? (this.#connection.destroyed ? this.#closed() : undefined);
  }

  /** Where it stands; a transaction tells it how far the message got. */
  get course(): Course {
    return this.#course;
  }

  get socket(): net.Socket | undefined {
    return this.#connection._socket || undefined;
  }

  /** From the greeting to the EHLO that counts; its whole reply, codes included. */
  async open(): Promise<Step<string>> {
    this.#course.connected();
    const opened = await this.step((done) => {
      this.#connection.connect(done);
      // its own immediate attaches nodemailer's listener: a 'data' listener before that would lose bytes
      setImmediate(() => this.#watchBytes());
    });
    return opened.ok ? { ok: true, value: String(this.#connection.lastServerResponse) } : opened;
  }

  async login(credentials: { user: string; pass: string; method: string }): Promise<Step<true>> {
    const done = await this.step((done) => this.#connection.login(credentials, done));
    return done.ok ? { ok: true, value: true } : done;
  }

  /** Runs one operation of nodemailer to its callback or to the loss of the connection. */
  step<T>(
    run: (done: (error?: Error | null, value?: T) => void, connection: SMTPConnection) => void,
  ): Promise<Step<T | undefined>> {
    const { lost } = this;
    if (lost !== undefined) return Promise.resolve({ ok: false, failure: lost });
    return new Promise((resolve) => {
      this.#onLost = (failure) => resolve({ ok: false, failure });
      run((error, value) => {
        const failure = error ? this.#explain(error) : undefined;
        if (failure !== undefined && this.#connection.destroyed) this.lose(failure);
        resolve(failure === undefined ? { ok: true, value } : { ok: false, failure });
      }, this.#connection);
    });
  }

  /** Says QUIT and waits a little for the answer; then the connection is gone. */
  async quit(): Promise<void> {
    if (this.lost === undefined) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, this.#options.timeouts.quitMs);
        this.#connection.once("end", () => {
          clearTimeout(timer);
          resolve();
        });
        this.#connection.quit();
      });
    }
    this.lose(breakdown(this.#options.who, this.#course.stage, CAUSE.aborted, "the session is over"));
  }

  /** Ends it at once, without QUIT. The first reason given is kept. */
  lose(failure: Failure): void {
    if (this.#lost !== undefined) return;
    this.#lost = failure;
    clearTimeout(this.#timer);
    this.#options.signal?.removeEventListener("abort", this.#abort);
    const { socket } = this;
    this.#connection.close();
    socket?.destroy(); // not end(), which would send what waits in a buffer
    this.#options.socket.destroy();
    this.#onLost?.(failure);
  }

  #transactionLog(): SMTPConnection.Options["logger"] {
    const quiet = (): void => {};
    const debug = (entry: { tnx?: string }, text = ""): void => {
      if (entry.tnx === "server") this.#course.replied(readReply(text, this.#options.scrub));
      if (entry.tnx !== "client") return;
      if (text.startsWith("EHLO ")) this.#watchBytes();
      this.#course.said(text);
    };
    return { trace: quiet, debug, info: quiet, warn: quiet, error: quiet, fatal: quiet };
  }

  /** The clock of a stage starts when its reply is the one that is waited for. */
  #watch(stage: Stage | "idle"): void {
    clearTimeout(this.#timer);
    if (stage === "idle" || this.#lost !== undefined) return;
    const { timeouts, who } = this.#options;
    const limitMs =
      stage === "greeting" ? timeouts.greetingMs : stage === "dot" ? timeouts.dotMs : timeouts.commandMs;
    this.#timer = setTimeout(() => this.lose(timeout(who, stage, limitMs)), limitMs);
  }

  /** Counts what comes in, on the plain socket and then on the TLS one. */
  #watchBytes(): void {
    const { socket } = this;
    if (socket === undefined || socket === this.#watched) return;
    this.#watched?.removeListener("data", this.#onBytes);
    this.#watched = socket;
    socket.prependListener("data", this.#onBytes);
  }

  readonly #onBytes = (chunk: Buffer): void => {
    if (this.#course.arrived(chunk.length)) return;
    const detail = `its reply exceeds ${REPLY_LIMIT_BYTES} bytes`;
    this.lose(breakdown(this.#options.who, this.#course.stage, CAUSE.protocol, detail));
  };

  #explain(error: SmtpError): Failure {
    const { who, scrub } = this.#options;
    if (error.code === "ESTREAM") return breakdown(who, this.#course.stage, CAUSE.body, scrub(error.message));
    if (error.response) {
      return refusal(
        who,
        this.#course.heard.at(-1)?.stage ?? this.#course.stage,
        readReply(error.response, scrub),
      );
    }
    const code = error.originalCode ?? error.code ?? "UNKNOWN";
    return fromSystemError(who, this.#course.stage, Object.assign(new Error(error.message), { code }), scrub);
  }

  #closed(): Failure {
    return breakdown(
      this.#options.who,
      this.#course.stage,
      "ECONNECTION",
      "the upstream closed the connection",
    );
  }
}
