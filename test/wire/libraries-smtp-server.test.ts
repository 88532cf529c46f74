/**
 * The traits of smtp-server that src/intake/ relies on, or works around, each by itself: an upgrade that
 * changes one says so here. Everything runs against the library as it comes.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerDataStream, type SMTPServerOptions } from "smtp-server";
import { SMTPConnection } from "smtp-server/lib/smtp-connection.js";
import { afterEach, describe, expect, test } from "vitest";
import { Dialog } from "./intake/dialog.ts";
import { until } from "./intake/intake.ts";

const servers: SMTPServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    for (const connection of server.connections) connection._socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
});

interface Stock {
  readonly port: number;
  readonly server: SMTPServer;
  readonly errors: Error[];
}

/** The library's server with its own connection class; MAIL and RCPT are answered at once unless told otherwise. */
async function stock(options: SMTPServerOptions = {}): Promise<Stock> {
  const server = new SMTPServer({
    disabledCommands: ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    logger: false,
    onMailFrom: (_address, _session, done) => done(),
    onRcptTo: (_address, _session, done) => done(),
    ...options,
  });
  servers.push(server);
  const errors: Error[] = [];
  server.on("error", (error: Error) => errors.push(error));
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  return { port: (server.server.address() as AddressInfo).port, server, errors };
}

/** Collects each message; answers when it ended. */
function collecting(messages: string[]): NonNullable<SMTPServerOptions["onData"]> {
  return (stream, _session, done) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      messages.push(Buffer.concat(chunks).toString("latin1"));
      done(null, "2.0.0 kept");
    });
  };
}

const envelope = ["EHLO x", "MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>"];

async function inData(port: number): Promise<Dialog> {
  const dialog = new Dialog(port);
  await dialog.reply();
  await dialog.converse(...envelope, "DATA");
  return dialog;
}

describe("the greeting", () => {
  test("comes after a pause in which a client that talks is cut off: why init() is ours", async () => {
    const { port } = await stock();
    const early = new Dialog(port);
    await early.write("EHLO early\r\n");
    expect(await early.rest()).toEqual([expect.stringMatching(/^421 .*You talk too soon/)]);
  });

  test("is what connectionReady() sends, in the same turn when onConnect and the lookup are", async () => {
    const seen: boolean[] = [];
    class Probe extends SMTPConnection {
      override init(): void {
        this._setListeners(() => this.connectionReady());
        seen.push(this._ready);
      }
    }
    const { port, server } = await stock({ onConnect: (_session, done) => done() });
    server.connect = (socket) => new Probe(server, socket).init();
    const dialog = new Dialog(port);
    await dialog.write("EHLO early\r\n");
    expect((await dialog.reply()).slice(0, 3)).toBe("220");
    expect((await dialog.reply()).slice(0, 3)).toBe("250");
    expect(seen).toEqual([true]);
    dialog.vanish();
  });
});

describe("addresses", () => {
  test.each(["a@b.example", "<root>", '<"a b"@c.example>', "<a@b_c.example>"])(
    "MAIL FROM:%s, which old programs say, is refused: why handler_MAIL is ours",
    async (argument) => {
      const { port } = await stock();
      const dialog = new Dialog(port);
      await dialog.reply();
      const [, reply] = await dialog.converse("EHLO x", `MAIL FROM:${argument}`);
      expect(reply).toMatch(/^501 /);
      dialog.vanish();
    },
  );

  test("may hold a list, and unknown parameters pass: why both handlers are ours", async () => {
    const { port } = await stock();
    const dialog = new Dialog(port);
    await dialog.reply();
    const replies = await dialog.converse(
      "EHLO x",
      "MAIL FROM:<a;b,c@d.example> FOO=BAR",
      "RCPT TO:<e@f.example> FOO=1",
    );
    expect(replies.slice(1).map((reply) => reply.slice(0, 3))).toEqual(["250", "250"]);
    dialog.vanish();
  });
});

describe("replies", () => {
  test("all leave through send(), in the very words that replies.ts puts into ours", async () => {
    const sent: unknown[] = [];
    class Probe extends SMTPConnection {
      override send(code: number, data?: string | string[] | null, context?: string | false): void {
        sent.push(data);
        super.send(code, data, context);
      }
    }
    const { port, server } = await stock({ maxCommandLength: 100, socketTimeout: 400 });
    server.connect = (socket) => {
      const probe = new Probe(server, socket);
      server.connections.add(probe);
      probe.init();
    };
    const dialog = new Dialog(port);
    await dialog.reply();
    await dialog.converse(
      ...["MAIL FROM:<a@b.example>", "EHLO", "HELO", `HELO ${"x".repeat(20)}\x01`, "HELO x"],
    );
    await dialog.converse(...["NOOP", "RSET", "VRFY", "VRFY a", "HELP", "BREW", "QUIT"]);
    dialog.vanish();
    const tooLong = new Dialog(port);
    await tooLong.reply();
    await tooLong.say("x".repeat(200));
    tooLong.vanish();
    const idle = new Dialog(port);
    await idle.reply();
    await idle.reply();
    idle.vanish();
    for (const text of [
      ...["Error: send HELO/EHLO first", "Error: syntax: EHLO hostname", "Error: Syntax: HELO hostname"],
      ...["Error: Bad hostname syntax", "OK", "Flushed", "Error: Syntax: VRFY address"],
      ...["Try to send something. No promises though", "See https://tools.ietf.org/html/rfc5321 for details"],
      ...[
        "Error: command not recognized",
        "Bye",
        "Error: Command line too long",
        "Timeout - closing connection",
      ],
    ]) {
      expect(sent).toContain(text);
    }
  });

  test("421 closes our side; the socket is not waited for longer than five seconds", async () => {
    const { port, server } = await stock();
    const dialog = new Dialog(port);
    await dialog.reply();
    const [connection] = server.connections;
    connection?.send(421, "4.7.0 enough");
    expect(server.connections.size).toBe(0);
    expect(await dialog.reply()).toBe("421 4.7.0 enough");
    expect(await dialog.reply()).toBe("closed");
    await until(() => connection?._socket.destroyed ?? false); // this client never ends its own side
    dialog.vanish();
  });
});

describe("DATA", () => {
  test("gives the bytes as they are, without the dots that were stuffed", async () => {
    const messages: string[] = [];
    const { port } = await stock({ onData: collecting(messages) });
    const dialog = await inData(port);
    const octets = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    await dialog.write(Buffer.concat([octets, Buffer.from("\r\n..a\r\n...\r\n.\r\n")]));
    expect(await dialog.reply()).toBe("250 2.0.0 kept");
    expect(messages).toEqual([`${octets.toString("latin1")}\r\n.a\r\n..\r\n`]);
    dialog.vanish();
  });

  test("has size as a flag only: reading goes on", async () => {
    const messages: string[] = [];
    const { port } = await stock({ size: 10, onData: collecting(messages) });
    const dialog = await inData(port);
    expect(await dialog.say(`${"x".repeat(5000)}\r\n.`)).toBe("250 2.0.0 kept");
    expect(messages[0]).toHaveLength(5002);
    dialog.vanish();
  });

  test.each(["vanish", "reset"] as const)(
    "ends with the stream destroyed, never with 'end', when the client is gone (%s)",
    async (how) => {
      let stream: SMTPServerDataStream | undefined;
      let ended = false;
      const { port, errors, server } = await stock({
        onData: (data) => {
          stream = data;
          data.resume().on("end", () => {
            ended = true;
          });
        },
      });
      const dialog = await inData(port);
      await dialog.write("half a message\r\n");
      await until(() => (stream?.byteLength ?? 0) > 0);
      dialog[how]();
      await until(() => stream?.destroyed ?? false);
      await until(() => server.connections.size === 0);
      expect(ended).toBe(false);
      // A reset in a message is an 'error' of the server; unheard, it ends the process.
      expect(errors).toHaveLength(how === "reset" ? 1 : 0);
    },
  );

  test("is waited for without the idle timeout while we decide", async () => {
    const { port } = await stock({
      socketTimeout: 300,
      onData: (stream, _session, done) => {
        stream.resume().on("end", () => setTimeout(() => done(null, "2.0.0 kept"), 700));
      },
    });
    const dialog = await inData(port);
    expect(await dialog.say(".")).toBe("250 2.0.0 kept");
    dialog.vanish();
  });

  test("after DATA and EHLO and RSET the session is reset through _resetSession(), on close _onClose() is called", async () => {
    const calls: string[] = [];
    class Probe extends SMTPConnection {
      override _resetSession(): void {
        calls.push("reset");
        super._resetSession();
      }
      override _onClose(): void {
        calls.push("close");
        super._onClose();
      }
    }
    const { port, server } = await stock({ onData: collecting([]) });
    server.connect = (socket) => {
      expect(calls).toEqual([]);
      const probe = new Probe(server, socket);
      expect(calls).toEqual([]); // not from the constructor, where our fields are not there yet
      probe.init();
    };
    const dialog = await inData(port); // greeting, EHLO
    await dialog.say(".");
    await dialog.say("RSET");
    expect(calls).toEqual(["reset", "reset", "reset", "reset"]);
    dialog.vanish();
    await until(() => calls.includes("close"));
  });

  test("the parser finishes after the client's FIN, when everything before it is answered", async () => {
    const order: string[] = [];
    const { port, server } = await stock({
      allowHalfOpen: true,
      onData: (stream, _session, done) => {
        stream.resume().on("end", () =>
          setTimeout(() => {
            order.push("answered");
            done();
          }, 20),
        );
      },
    });
    const dialog = await inData(port);
    const [connection] = server.connections;
    if (connection?._parser) connection._parser.once("finish", () => order.push("finished"));
    await dialog.write("x\r\n.\r\n");
    dialog.endWriting();
    await until(() => order.length === 2);
    expect(order).toEqual(["answered", "finished"]);
    dialog.vanish();
  });

  test("of two messages in one chunk the second loses what follows it, when nothing waits: why DATA's callback does", async () => {
    const outcome = async (callBack: (callback: () => void) => void) => {
      class Probe extends SMTPConnection {
        override handler_DATA(command: Buffer, callback: () => void): void {
          super.handler_DATA(command, () => callBack(callback));
        }
      }
      const { port, server } = await stock({ onData: collecting([]) });
      server.connect = (socket) => new Probe(server, socket).init();
      const dialog = new Dialog(port);
      await dialog.reply();
      await dialog.say("EHLO x");
      const mail = "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nx\r\n.\r\n";
      await dialog.write(`${mail}${mail}NOOP\r\n`);
      for (let i = 0; i < 8; i++) await dialog.reply();
      const last = await Promise.race([
        dialog.reply(),
        new Promise<string>((resolve) => setTimeout(() => resolve("nothing"), 200)),
      ]);
      dialog.vanish();
      return last;
    };
    expect(await outcome((callback) => callback())).toBe("nothing");
    expect(await outcome((callback) => queueMicrotask(callback))).toBe("250 OK");
  });
});

test("EHLO offers what the hide options leave, and SIZE", async () => {
  const { port } = await stock({ name: "n.example", heloResponse: "%s", hideSMTPUTF8: true, size: 99 });
  const dialog = new Dialog(port);
  await dialog.reply();
  expect(await dialog.say("EHLO x")).toBe("250-n.example\n250-PIPELINING\n250-8BITMIME\n250 SIZE 99");
  dialog.vanish();
});
