/**
 * smtp-server's server without its listening side: what sessions share, and the way from its callbacks to our
 * connection.
 *
 * Promises: EHLO offers PIPELINING, 8BITMIME and SIZE, nothing else; no AUTH, no STARTTLS, no XCLIENT.
 * Refuses nothing itself; sockets come from listener.ts already checked.
 */
import type { Socket } from "node:net";
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from "smtp-server";
import { crashPoint } from "../observe/crash-point.ts";
import { type ConnectionParts, IntakeConnection } from "./connection.ts";
import type { IntakeSettings } from "./ports.ts";

/** Kept free below the limit for the fields we add: Received, Date, Message-ID, the original sender. */
const OWN_FIELDS_BYTES = 4096;
/** RFC 5321 §4.5.3.1.4 asks for 512 octets and more for parameters; Postfix takes 2048. */
const COMMAND_MAX_BYTES = 2048;

type Done = (error?: Error | null, message?: string) => void;

export class SessionServer extends SMTPServer {
  readonly #parts: ConnectionParts;
  readonly #connections = new WeakMap<SMTPServerSession, IntakeConnection>();

  constructor(parts: ConnectionParts) {
    const settings = parts.ports.settings();
    super({
      name: settings.hostname,
      banner: "sluice",
      heloResponse: "%s",
      size: advertisedSize(settings),
      disabledCommands: ["AUTH", "STARTTLS", "XCLIENT", "XFORWARD", "WIZ", "SHELL", "KILL"],
      hideSMTPUTF8: true,
      // The library's codes cannot be chosen; ours stand in the texts.
      hideENHANCEDSTATUSCODES: true,
      disableReverseLookup: true,
      socketTimeout: parts.deadlines.idleMs,
      maxCommandLength: COMMAND_MAX_BYTES,
      logger: false,
    });
    this.#parts = parts;
  }

  /** Begins a session. */
  override connect(socket: Socket): void {
    // RFC 1870 §4: the size we would take now; a reload may have changed it.
    const settings = this.#parts.ports.settings();
    this.options.size = advertisedSize(settings);
    this.options.name = settings.hostname;
    const connection = new IntakeConnection(this, socket, this.#parts);
    this.#connections.set(connection.session, connection);
    this.connections.add(connection);
    connection.init();
  }

  /** The sessions that are open: said goodbye to, they are not any more. */
  *sessions(): Generator<IntakeConnection> {
    for (const connection of this.connections) if (connection instanceof IntakeConnection) yield connection;
  }

  override onConnect(_session: SMTPServerSession, done: Done): void {
    done();
  }

  override onData(stream: SMTPServerDataStream, session: SMTPServerSession, done: Done): void {
    const connection = this.#connections.get(session);
    if (connection === undefined) throw new Error("Cannot receive a message as its session is not ours");
    connection.receive(stream, (error, message) => {
      done(error, message);
      if (!error) crashPoint("replied");
    });
  }
}

function advertisedSize(settings: IntakeSettings): number {
  return Math.max(1, settings.limits.messageSizeBytes - 1 - OWN_FIELDS_BYTES);
}
