/**
 * One listening port of the simulator: smtp-server with our dialog in place of its own.
 *
 * Promises: TLS 1.2 or newer with the relay service's ciphers; `end()` leaves no socket behind.
 * Bounds: 200 clients, 1,000 recipients a message, five idle minutes.
 */
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import {
  SMTPServer,
  type SMTPServerAddress,
  type SMTPServerAuthentication,
  type SMTPServerAuthenticationResponse,
  type SMTPServerDataStream,
  type SMTPServerSession,
} from "smtp-server";
import type { SMTPConnectionOptions } from "smtp-server/lib/smtp-connection.js";
import type { Certificates } from "./certificates.ts";
import { Dialog } from "./dialog.ts";
import type { Answer, House, SessionRecord } from "./house.ts";

type Security = "starttls" | "tls";
type Done = (error?: Error | null) => void;

const MAX_CLIENTS = 200;
const MAX_RECIPIENTS = 1000;
/** RFC 5321 §4.5.3.2.7: a server waits at least five minutes for the next command. */
const IDLE_MS = 5 * 60_000;

/** What the service accepts with TLS 1.2 (the RC4 and 3DES suites it lists too are gone from OpenSSL), and TLS 1.3. */
const CIPHERS = [
  ...["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"],
  ...["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256"],
  ...["ECDHE-RSA-AES256-SHA384", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA", "ECDHE-RSA-AES128-SHA"],
  ...["AES256-GCM-SHA384", "AES128-GCM-SHA256", "AES256-SHA256", "AES128-SHA256", "AES256-SHA", "AES128-SHA"],
].join(":");

export class SimulatorServer extends SMTPServer {
  readonly #house: House;
  readonly #onSession: (record: SessionRecord) => void;
  /** Sessions whose socket is open, those that said goodbye included. */
  readonly #dialogs = new Map<string, Dialog>();

  constructor(options: {
    security: Security;
    certificates: Certificates;
    house: House;
    onSession: (record: SessionRecord) => void;
  }) {
    super({
      name: "localhost",
      banner: "sluice sandbox, nothing is sent from here",
      secure: options.security === "tls",
      ...(options.security === "tls" ? { disabledCommands: ["STARTTLS", "WIZ", "SHELL", "KILL"] } : {}),
      key: options.certificates.key,
      cert: options.certificates.cert,
      minVersion: "TLSv1.2",
      ciphers: CIPHERS,
      authMethods: ["PLAIN", "LOGIN"],
      // RFC 4954 §6, and RFC 3207 §4 before TLS
      authRequiredMessage: "5.7.0 Authentication required, inside TLS",
      disableReverseLookup: true,
      hideSMTPUTF8: true,
      maxRecipients: MAX_RECIPIENTS,
      socketTimeout: IDLE_MS,
    });
    this.#house = options.house;
    this.#onSession = options.onSession;
    this.on("error", (error: Error) => {
      if (this.server.listening) this.#house.log(`connection lost: ${error.message}`); // else open() rejects with it
    });
  }

  /** Listens; resolves with the port. Rejects with the system's error (EADDRINUSE, EACCES, …). */
  async open(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", reject);
      this.listen(port, host, () => {
        this.server.off("error", reject);
        resolve();
      });
    });
    return (this.server.address() as AddressInfo).port;
  }

  /** Stops listening and cuts every session. */
  async end(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.close(resolve);
      for (const dialog of this.#dialogs.values()) dialog.drop();
    });
  }

  override connect(socket: Socket | TLSSocket, options?: SMTPConnectionOptions | null): void {
    const dialog = new Dialog(this, socket, options, this.#house);
    this.connections.add(dialog);
    this.#dialogs.set(dialog.id, dialog);
    dialog.on("error", (error: Error) => this._onError(error));
    this.#onSession(dialog.record);
    dialog.init();
  }

  override onSecure(socket: Socket | TLSSocket, session: SMTPServerSession, done: Done): void {
    this.#dialogs.get(session.id)?.secured(socket);
    done();
  }

  override onAuth(
    auth: SMTPServerAuthentication,
    session: SMTPServerSession,
    done: (error: Error | null, response?: SMTPServerAuthenticationResponse) => void,
  ): void {
    if (this.#dialogs.get(session.id)?.authenticate(auth)) done(null, { user: this.#house.username });
    else done(refusal({ code: 535, text: "5.7.8 Authentication credentials invalid" })); // RFC 4954 §6
  }

  override onMailFrom({ address, args }: SMTPServerAddress, session: SMTPServerSession, done: Done): void {
    const size = typeof args === "object" && "SIZE" in args ? Number(args.SIZE) : 0;
    const answer = this.#dialogs.get(session.id)?.refuseSender(address, size);
    done(answer && refusal(answer));
  }

  override onData(
    stream: SMTPServerDataStream,
    session: SMTPServerSession,
    done: (error?: Error | null, message?: string) => void,
  ): void {
    const answer = this.#dialogs.get(session.id)?.receive(stream) ?? Promise.resolve(undefined);
    answer.then(
      (given) => given && (given.code === 250 ? done(null, given.text) : done(refusal(given))),
      (error: Error) => done(refusal({ code: 451, text: `4.3.0 the sandbox failed: ${error.message}` })),
    );
  }

  override onClose(session: SMTPServerSession): void {
    this.#dialogs.delete(session.id);
  }

  override _acceptSocket(socket: Socket, handshake: boolean): (() => void) | false {
    const fault = this.#house.faults.next("connect");
    if (fault?.kind === "hang") {
      super._acceptSocket(socket, true); // watched and closed in the end, but never served
      return false;
    }
    if (fault || this.#dialogs.size >= MAX_CLIENTS) {
      socket.on("error", () => {});
      socket.destroy();
      return false;
    }
    return super._acceptSocket(socket, handshake);
  }

  override _upgrade(socket: Socket, callback: (error: Error | null, tlsSocket?: TLSSocket) => void): void {
    const fault = this.#house.faults.next("tls");
    if (!fault) super._upgrade(socket, callback);
    else {
      socket.on("error", () => {});
      if (fault.kind === "drop") socket.destroy();
    }
  }
}

function refusal({ code, text }: Answer): Error {
  return Object.assign(new Error(text), { responseCode: code });
}
