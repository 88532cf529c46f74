/**
 * An upstream that plays a script: polite by itself, and at any step exactly as rude as a test wants.
 *
 * It keeps everything it heard, and in which state it heard it. It has no opinion about SMTP of its own: a
 * reply is a text, several, or a function that gets the connection and does what it likes (nothing: hang).
 */
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import type { KeyAndCertificate } from "./certificates.ts";

export type Answer = string | readonly string[] | ((peer: Peer, line: string) => void);

export interface Script {
  readonly greeting?: Answer;
  /** EHLO before TLS, and where TLS counts. */
  readonly plainEhlo?: Answer;
  readonly ehlo?: Answer;
  readonly starttls?: Answer;
  readonly auth?: Answer;
  readonly mail?: Answer;
  readonly rcpt?: Answer;
  readonly data?: Answer;
  /** Called for each piece of the body that comes in. */
  readonly body?: (peer: Peer) => void;
  readonly dot?: Answer;
  readonly rset?: Answer;
  readonly quit?: Answer;
}

export interface Upstream {
  readonly port: number;
  /** Every connection so far. */
  readonly peers: readonly Peer[];
  close(): Promise<void>;
}

export interface UpstreamOptions {
  readonly certificate: KeyAndCertificate;
  readonly security?: "starttls" | "tls";
  readonly script?: Script | ((connection: number) => Script);
  readonly tls?: tls.TlsOptions;
  readonly host?: string;
}

export const OFFER = [
  "250-scripted",
  "250-PIPELINING",
  "250-8BITMIME",
  "250-SIZE 50000000",
  "250 AUTH PLAIN LOGIN",
];
export const hang: Answer = () => {};
/** After a moment, so that what was said before is read before the reset throws it away. */
export const reset: Answer = (peer) => peer.later(() => peer.reset(), 50);
export const close: Answer = (peer) => peer.end();
/** An endless reply, a byte now and then. */
export const drip: Answer = (peer) => peer.repeat("2", 20);

const END_OF_DATA = "\r\n.\r\n";

export class Peer {
  /** Commands, as they came, without CRLF. */
  readonly lines: string[] = [];
  /** Messages between DATA and the dot, dots still stuffed, the last CRLF included. */
  readonly messages: Buffer[] = [];
  /** Everything that was heard before TLS. */
  plain = "";
  /** Pieces of the body that came in so far. */
  pieces = 0;
  closed = false;
  socket: net.Socket;
  readonly #raw: net.Socket;
  readonly #script: Script;
  readonly #certificate: KeyAndCertificate;
  readonly #timers: NodeJS.Timeout[] = [];
  #buffer = "";
  #inData = false;
  #body: Buffer[] = [];
  #tail = "";
  #silent = false;

  constructor(socket: net.Socket, raw: net.Socket, script: Script, certificate: KeyAndCertificate) {
    this.socket = socket;
    this.#raw = raw;
    this.#script = script;
    this.#certificate = certificate;
    this.#listen(socket);
    this.answer(script.greeting ?? "220 scripted", "");
  }

  /** Writes lines, each with CRLF, and goes on with what came meanwhile. */
  say(...lines: readonly string[]): void {
    this.write(lines.map((line) => `${line}\r\n`).join(""));
    if (!this.#silent) return;
    this.#silent = false;
    queueMicrotask(() => this.#goOn());
  }

  write(text: string): void {
    if (!this.socket.destroyed) this.socket.write(text, "latin1");
  }

  repeat(text: string, everyMs: number): void {
    this.#timers.push(setInterval(() => this.write(text), everyMs));
  }

  later(action: () => void, afterMs: number): void {
    this.#timers.push(setTimeout(action, afterMs));
  }

  end(): void {
    this.socket.end();
  }

  bye(): void {
    this.say("221 2.0.0 bye");
    this.end();
  }

  reset(): void {
    this.#raw.resetAndDestroy();
  }

  /** Commands that begin with `verb`. */
  said(verb: string): string[] {
    return this.lines.filter((line) => line.toUpperCase().startsWith(verb));
  }

  answer(answer: Answer, line: string): void {
    if (typeof answer === "function") {
      this.#silent = true; // until it says something: replies keep the order of the commands
      answer(this, line);
    } else this.say(...(typeof answer === "string" ? [answer] : answer));
  }

  destroy(): void {
    this.#stopTimers();
    this.socket.destroy();
    this.#raw.destroy();
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #listen(socket: net.Socket): void {
    socket.on("error", () => {});
    socket.on("data", (chunk) => this.#take(chunk));
    socket.on("close", () => {
      this.#stopTimers();
      this.closed = true;
    });
  }

  #take(chunk: Buffer): void {
    if (!(this.socket instanceof tls.TLSSocket)) this.plain += chunk.toString("latin1");
    if (this.#inData) this.#takeBody(chunk);
    else {
      this.#buffer += chunk.toString("latin1");
      this.#goOn();
    }
  }

  #goOn(): void {
    while (!this.#silent) {
      const end = this.#buffer.indexOf("\r\n");
      if (end < 0) return;
      const line = this.#buffer.slice(0, end);
      this.#buffer = this.#buffer.slice(end + 2);
      this.lines.push(line);
      this.#command(line);
    }
  }

  /** A client waits for the reply to the dot, so a message ends where a piece ends. */
  #takeBody(piece: Buffer): void {
    this.pieces++;
    this.#body.push(piece);
    this.#tail = (this.#tail + piece.toString("latin1")).slice(-END_OF_DATA.length);
    this.#script.body?.(this);
    if (this.#tail !== END_OF_DATA) return;
    this.messages.push(Buffer.concat(this.#body).subarray(0, -".\r\n".length));
    this.#inData = false;
    this.answer(this.#script.dot ?? `250 2.0.0 taken as ${this.messages.length}`, ".");
  }

  #command(line: string): void {
    const script = this.#script;
    const secured = this.socket instanceof tls.TLSSocket;
    const verb = line.slice(0, 4).toUpperCase();
    const [scripted, polite] = {
      EHLO: secured ? [script.ehlo, OFFER] : [script.plainEhlo, ["250-scripted", "250 STARTTLS"]],
      STAR: [script.starttls, "220 2.0.0 go on"],
      AUTH: [script.auth, "235 2.7.0 welcome"],
      MAIL: [script.mail, "250 2.1.0 ok"],
      RCPT: [script.rcpt, "250 2.1.5 ok"],
      DATA: [script.data, "354 go on"],
      RSET: [script.rset, "250 2.0.0 flushed"],
      QUIT: [script.quit, (peer: Peer) => peer.bye()],
    }[verb] ?? [script.auth, "500 5.5.1 what?"]; // AUTH LOGIN goes on without a verb
    const answer = (scripted ?? polite) as Answer;
    if (verb === "DATA") {
      this.#inData = typeof answer === "function" || answer.toString().startsWith("3");
      this.#body = [];
      this.#tail = "\r\n";
    }
    this.answer(answer, line);
    if (verb === "STAR" && typeof answer !== "function" && answer.toString().startsWith("220"))
      this.#startTls();
  }

  #startTls(): void {
    this.socket.removeAllListeners("data");
    this.#buffer = "";
    const secured = new tls.TLSSocket(this.socket, { isServer: true, ...this.#certificate });
    this.socket = secured;
    this.#listen(secured);
  }
}

export async function startUpstream(options: UpstreamOptions): Promise<Upstream> {
  const { certificate, security = "starttls", script = {}, host = "127.0.0.1" } = options;
  const peers: Peer[] = [];
  const raws: net.Socket[] = [];
  const greet = (socket: net.Socket, raw: net.Socket) =>
    peers.push(
      new Peer(socket, raw, typeof script === "function" ? script(peers.length) : script, {
        ...options.tls,
        ...certificate,
      }),
    );
  const server = net.createServer({ noDelay: true }, (raw) => {
    raws.push(raw);
    raw.on("error", () => {});
    if (security === "starttls") return void greet(raw, raw);
    const secured = new tls.TLSSocket(raw, { isServer: true, ...certificate, ...options.tls });
    secured.on("error", () => {});
    secured.on("secure", () => greet(secured, raw));
  });
  server.listen(0, host);
  await once(server, "listening");
  return {
    port: (server.address() as net.AddressInfo).port,
    peers,
    async close() {
      for (const peer of peers) peer.destroy();
      for (const raw of raws) raw.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
