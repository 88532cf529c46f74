/** A plain SMTP client for tests: as simple as the old programs are. */
import { createConnection, type Socket } from "node:net";

export interface Message {
  readonly from?: string;
  readonly to?: string | readonly string[];
  /** Head and body, with CRLF or bare LF; dots are stuffed here. */
  readonly data?: string | Buffer;
  /** Instead of `data`: the bytes as they go over the wire, `CRLF.CRLF` included. */
  readonly stuffed?: Buffer;
}

/** The reply line that decided: the one to the final dot, or the first refusal before it. */
export interface Submitted {
  readonly code: number;
  readonly text: string;
  /** The queue id of a 250. */
  readonly id: string;
}

export class SmtpClient {
  readonly #socket: Socket;
  #buffer = "";
  #wake: () => void = () => {};
  #ended = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.setNoDelay(true);
    socket.on("data", (text: string) => {
      this.#buffer += text;
      this.#wake();
    });
    for (const event of ["close", "error", "end"]) {
      socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  static async connect(port: number): Promise<SmtpClient> {
    const client = new SmtpClient(createConnection({ host: "127.0.0.1", port }));
    await client.reply();
    return client;
  }

  /** Says a command and gives the reply's last line. */
  async say(command: string): Promise<string> {
    this.#socket.write(`${command}\r\n`, "latin1");
    return this.reply();
  }

  /** The last line of the next reply; rejects when the connection ended before it. */
  async reply(): Promise<string> {
    for (;;) {
      const match = /^(?:\d{3}-[^\n]*\n)*(\d{3} [^\r\n]*)\r?\n/.exec(this.#buffer);
      if (match) {
        this.#buffer = this.#buffer.slice(match[0].length);
        return match[1] as string;
      }
      if (this.#ended) throw new Error(`the connection ended; unread: ${JSON.stringify(this.#buffer)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** One transaction. */
  async send(message: Message): Promise<Submitted> {
    const recipients = [message.to ?? "bob@example.org"].flat();
    const commands = [
      `MAIL FROM:<${message.from ?? "app@lab.example"}>`,
      ...recipients.map((to) => `RCPT TO:<${to}>`),
      "DATA",
    ];
    for (const command of commands) {
      const reply = await this.say(command);
      if (!/^[23]/.test(reply)) return submitted(reply);
    }
    this.#socket.write(message.stuffed ?? stuffed(message.data ?? "Subject: test\r\n\r\nhello\r\n"));
    return submitted(await this.reply());
  }

  quit(): void {
    this.#socket.end("QUIT\r\n");
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** A session for one message, as most old programs do. */
export async function submit(port: number, message: Message = {}): Promise<Submitted> {
  const client = await SmtpClient.connect(port);
  try {
    await client.say("EHLO test");
    return await client.send(message);
  } finally {
    client.quit();
  }
}

function submitted(reply: string): Submitted {
  return { code: Number(reply.slice(0, 3)), text: reply, id: /queued as (\S+)/.exec(reply)?.[1] ?? "" };
}

/** RFC 5321 §4.5.2: dots are stuffed, and the end is CRLF.CRLF. */
export function stuffed(data: string | Buffer): Buffer {
  const text = Buffer.isBuffer(data) ? data.toString("latin1") : Buffer.from(data).toString("latin1");
  const whole = text.endsWith("\r\n") ? text : `${text}\r\n`;
  return Buffer.from(`${whole.replace(/^\./gm, "..")}.\r\n`, "latin1");
}
