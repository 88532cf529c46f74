/**
 * A scripted SMTP client for tests: says a line, gets the whole reply; raw bytes where a test wants them.
 *
 * Refuses to interpret: replies are the text as it came, lines joined by "\n".
 */
import net from "node:net";
import tls from "node:tls";

export class Talk {
  #socket: net.Socket;
  #text = "";
  #waiting: (() => void) | undefined;
  #ended = false;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    this.#listen();
  }

  /** Connects in clear; the greeting is the first `reply()`. */
  static async connect(port: number): Promise<Talk> {
    const socket = net.connect(port, "127.0.0.1");
    const talk = new Talk(socket);
    await new Promise<void>((resolve) => socket.once("connect", resolve).once("close", () => resolve()));
    return talk;
  }

  /** Connects with TLS from the first byte. Rejects when the handshake fails. */
  static async connectTls(port: number, options: tls.ConnectionOptions): Promise<Talk> {
    const socket = tls.connect({ port, host: "127.0.0.1", ...options });
    await handshake(socket);
    return new Talk(socket);
  }

  /** The TLS protocol in use; undefined in clear. */
  get protocol(): string | null | undefined {
    return this.#socket instanceof tls.TLSSocket ? this.#socket.getProtocol() : undefined;
  }

  /** The next reply, or "closed". */
  async reply(): Promise<string> {
    for (;;) {
      const whole = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/.exec(this.#text);
      if (whole) {
        this.#text = this.#text.slice(whole[0].length);
        return whole[0].trimEnd().replaceAll("\r\n", "\n");
      }
      if (this.#ended) return "closed";
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  /** Says a line and waits for its reply. */
  say(line: string): Promise<string> {
    this.write(`${line}\r\n`);
    return this.reply();
  }

  write(bytes: string | Buffer): void {
    this.#socket.write(bytes);
  }

  /** Goes on in TLS, after STARTTLS got its 220. Rejects when the handshake fails. */
  async startTls(options: tls.ConnectionOptions): Promise<void> {
    this.#socket.removeAllListeners();
    const socket = tls.connect({ socket: this.#socket, host: "127.0.0.1", ...options });
    await handshake(socket);
    this.#socket = socket;
    this.#listen();
  }

  /** Cuts the connection. */
  cut(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    this.#socket.on("data", (chunk) => {
      this.#text += chunk.toString("latin1");
      this.#waiting?.();
    });
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => {
      this.#ended = true;
      this.#waiting?.();
    });
  }
}

function handshake(socket: tls.TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed during the handshake")));
  });
}
