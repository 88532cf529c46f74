/**
 * A scripted client on a raw socket: says bytes, reads whole replies, ends its side, resets, vanishes.
 *
 * Refuses to interpret: a reply is its text as it came, lines joined by "\n"; "closed" when there is none.
 */
import net from "node:net";

const REPLY = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/;

export class Dialog {
  readonly #socket: net.Socket;
  #text = "";
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(port: number, host = "127.0.0.1") {
    this.#socket = net.connect({ port, host, allowHalfOpen: true, noDelay: true });
    this.#socket.on("data", (chunk) => {
      this.#text += chunk.toString("latin1");
      this.#wake?.();
    });
    this.#socket.on("error", () => {});
    this.#socket.on("end", () => this.#end());
    this.#socket.on("close", () => this.#end());
  }

  #end(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** The next whole reply. */
  async reply(): Promise<string> {
    for (;;) {
      const whole = REPLY.exec(this.#text)?.[0];
      if (whole !== undefined) {
        this.#text = this.#text.slice(whole.length);
        return whole.trimEnd().replaceAll("\r\n", "\n");
      }
      if (this.#closed) return "closed";
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** All replies until the server closes its side. */
  async rest(): Promise<string[]> {
    const replies: string[] = [];
    for (let reply = await this.reply(); reply !== "closed"; reply = await this.reply()) replies.push(reply);
    this.#socket.destroy();
    return replies;
  }

  /** Says a line and reads its reply. */
  say(line: string): Promise<string> {
    this.write(`${line}\r\n`);
    return this.reply();
  }

  /** Says lines one after another; the replies in order. */
  async converse(...lines: string[]): Promise<string[]> {
    const replies: string[] = [];
    for (const line of lines) replies.push(await this.say(line));
    return replies;
  }

  /** Resolves when the bytes are with the kernel, or the socket is gone. */
  write(bytes: string | Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes, () => resolve());
    });
  }

  /** Ends our side and goes on reading, as `nc -N` does. */
  endWriting(): void {
    this.#socket.end();
  }

  /** Goes without a word. */
  vanish(): void {
    this.#socket.destroy();
  }

  /** Goes with a TCP reset. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }
}

/** Greeting, EHLO, MAIL, RCPT, DATA: up to the 354. */
export async function untilData(
  port: number,
  from = "portal@lab.example",
  to = "ops@lab.example",
): Promise<Dialog> {
  const dialog = new Dialog(port);
  await dialog.reply();
  await dialog.converse("EHLO client.example", `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, "DATA");
  return dialog;
}

/** Sends one message in a session of its own; the reply to its dot. */
export async function submit(
  port: number,
  message: string | Buffer,
  from?: string,
  to?: string,
): Promise<string> {
  const dialog = await untilData(port, from, to);
  await dialog.write(message);
  await dialog.write("\r\n.\r\n");
  const reply = await dialog.reply();
  dialog.vanish();
  return reply;
}
