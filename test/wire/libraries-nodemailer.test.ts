/**
 * What nodemailer's SMTPConnection does, where src/upstream/ relies on it: an upgrade that changes one of
 * these says so here. The dialogues are in plain text, which sluice itself never speaks.
 */
import { once } from "node:events";
import net from "node:net";
import { Readable } from "node:stream";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import { afterEach, expect, test, vi } from "vitest";
import { upstream } from "./upstream/fixture.ts";
import { close, OFFER, type Peer, type Script } from "./upstream/scripted.ts";

type Line = [who: "client" | "server", text: string];

const AUTH = { user: "name", pass: "open sesame", method: "PLAIN" };
const TO = ["a@example.edu", "b@example.edu"];
const connections: SMTPConnection[] = [];

afterEach(() => {
  for (const connection of connections.splice(0)) connection.close();
});

async function begin(script: Script, options: SMTPConnection.Options = {}) {
  const up = await upstream({ script: { plainEhlo: OFFER, ...script } });
  const socket = net.connect(up.port, "127.0.0.1");
  await once(socket, "connect");
  const log: Line[] = [];
  const connection = new SMTPConnection({
    connection: socket,
    ignoreTLS: true,
    transactionLog: true,
    logger: {
      debug: (entry: { tnx: string }, text: string) => {
        if (entry.tnx === "client" || entry.tnx === "server") log.push([entry.tnx, text]);
      },
      info: () => {},
      warn: () => {},
      error: () => {},
    },
    ...options,
  });
  connections.push(connection);
  const events: string[] = [];
  const failures: (Error & { code?: string })[] = [];
  connection.on("error", (error) => {
    events.push("error");
    failures.push(error);
  });
  connection.on("end", () => events.push("end"));
  return { up, peer: up.peers[0]!, connection, log, events, failures };
}

async function connected(script: Script, options: SMTPConnection.Options = {}) {
  const begun = await begin(script, options);
  await new Promise<void>((resolve, reject) =>
    begun.connection.connect((error) => (error ? reject(error) : resolve())),
  );
  begun.log.length = 0;
  return begun;
}

const send = (connection: SMTPConnection, message: Buffer | Readable, more: SMTPConnection.Envelope = {}) =>
  new Promise<{ error: Error | null; info: unknown }>((resolve) =>
    connection.send({ from: "s@example.edu", to: TO, ...more }, message, (error, info) =>
      resolve({ error, info }),
    ),
  );
const HELLO = Buffer.from("Subject: hello\r\n\r\nhello\r\n");

test("the transaction log has each command as it is said, each whole reply once, in order", async () => {
  const rcpt: Script["rcpt"] = (peer, line) => peer.say(line.includes("<a@") ? "250 ok" : "550 who?");
  const { connection, log } = await connected({ rcpt, dot: ["250-taken", "250 as 1"] });
  await send(connection, HELLO);
  expect(log).toEqual([
    ["client", "MAIL FROM:<s@example.edu>"],
    ["client", "RCPT TO:<a@example.edu>"],
    ["client", "RCPT TO:<b@example.edu>"],
    ["client", "DATA"],
    ["server", "250 2.1.0 ok"],
    ["server", "250 ok"],
    ["server", "550 who?"],
    ["server", "354 go on"],
    ["server", "250-taken\n250 as 1"],
  ]);
});

test("the transaction log has no password", async () => {
  const { connection, log } = await connected({});
  await new Promise((done) => connection.login(AUTH, done));
  expect(log[0]?.[1]).toMatch(/^AUTH PLAIN /);
  const said =
    JSON.stringify(log) + Buffer.from(log[0]?.[1].slice("AUTH PLAIN ".length) ?? "", "base64").toString();
  expect(said).not.toContain(AUTH.pass);
});

test("when it has connected, the last reply is the whole EHLO reply", async () => {
  const { connection } = await connected({});
  expect(connection.lastServerResponse).toBe(OFFER.join("\n"));
});

test("with requireTLS it says STARTTLS though it was not offered, and never falls back to HELO", async () => {
  for (const [script, said] of [
    [{ starttls: "502 what?" }, "STARTTLS"],
    [{ plainEhlo: "502 what?" }, "EHLO h"],
  ] as const) {
    const { connection, failures, peer } = await begin(script, {
      requireTLS: true,
      ignoreTLS: false,
      name: "h",
    });
    connection.connect(() => failures.push(new Error("it connected")));
    await vi.waitFor(() => expect(failures).toMatchObject([{ response: "502 what?" }]));
    expect(peer.lines.at(-1)).toBe(said);
  }
});

test("with requireTLS it does not fall back to HELO where the socket is secure already", async () => {
  const { connection, failures, peer } = await begin(
    { plainEhlo: "502 what?" },
    { requireTLS: true, secure: true, secured: true, name: "h" },
  );
  connection.connect(() => failures.push(new Error("it connected")));
  await vi.waitFor(() => expect(failures).toMatchObject([{ response: "502 what?" }]));
  expect(peer.lines).toEqual(["EHLO h"]);
});

test("a refusal while connecting is an event, a silent close is told to the callback alone", async () => {
  const refused = await begin({ greeting: "554 no" });
  const callback = vi.fn();
  refused.connection.connect(callback);
  await vi.waitFor(() => expect(refused.events).toEqual(["error", "end"]));
  expect(callback).not.toHaveBeenCalled();

  const silent = await begin({ greeting: close });
  const error = await new Promise((resolve) => silent.connection.connect(resolve));
  expect(error).toMatchObject({ code: "ECONNECTION" });
  expect(silent.events).toEqual(["end"]);
});

test("login and reset never call back when the connection goes", async () => {
  for (const act of [
    (connection: SMTPConnection, done: () => void) => connection.login(AUTH, done),
    (connection: SMTPConnection, done: () => void) => connection.reset(done),
  ]) {
    const { connection, events } = await connected({ auth: close, rset: close });
    const callback = vi.fn();
    act(connection, callback);
    await vi.waitFor(() => expect(events).toEqual(["error", "end"]));
    expect(callback).not.toHaveBeenCalled();
  }
});

test("send does not call back when we close the connection", async () => {
  const { connection, peer } = await connected({ mail: () => {} });
  const callback = vi.fn();
  connection.send({ from: "s@example.edu", to: TO }, HELLO, callback);
  await vi.waitFor(() => expect(peer.said("MAIL")).toHaveLength(1));
  connection.close();
  await vi.waitFor(() => expect(peer.closed).toBe(true));
  expect(callback).not.toHaveBeenCalled();
});

test("at 421 it says 'end' first and calls back with the reply in the same turn", async () => {
  const { connection, events } = await connected({ mail: "421 enough" });
  const { error } = await send(connection, HELLO);
  expect(error).toMatchObject({ response: "421 enough" });
  expect(events).toEqual(["end"]);
  expect(connection.destroyed).toBe(true);
});

test("an idle connection that is closed is an 'end' without an 'error'", async () => {
  const { peer, events, connection } = await connected({});
  peer.end();
  await vi.waitFor(() => expect(events).toEqual(["end"]));
  expect(connection.destroyed).toBe(true);
});

test("whatever comes after 354 is taken for the verdict, even before the body is out", async () => {
  const { connection } = await connected({ data: (peer) => peer.say("354 go on", "250 taken") });
  const never = new Readable({ read() {} });
  never.push("Subject: never ends\r\n");
  expect(await send(connection, never)).toMatchObject({ error: null, info: { response: "250 taken" } });
});

test("a message that cannot be read is told as ESTREAM, and the connection stays open in the middle of it", async () => {
  const { connection, peer } = await connected({});
  const broken = Readable.from(
    (async function* () {
      yield "Subject: half\r\n";
      throw new Error("EIO");
    })(),
  );
  expect((await send(connection, broken)).error).toMatchObject({ code: "ESTREAM", message: "EIO" });
  expect(connection.destroyed).toBe(false);
  expect(peer.messages).toEqual([]);
});

test("the source has ended before the final dot is written", async () => {
  const order: string[] = [];
  const { connection } = await connected({});
  const source = Readable.from([HELLO]);
  source.once("end", () => order.push("end"));
  const { _socket: socket } = connection;
  const write = (socket as net.Socket).write.bind(socket);
  vi.spyOn(socket as net.Socket, "write").mockImplementation(((...args: Parameters<typeof write>) => {
    if (String(args[0]).endsWith(".\r\n")) order.push("dot");
    return write(...args);
  }) as typeof write);
  await send(connection, source);
  expect(order).toEqual(["end", "dot"]);
});

test("a transaction without a recipient that is taken all the same is ended with an empty message", async () => {
  const { connection, peer } = await connected({ rcpt: "550 who?", data: "354 go on" });
  const { error } = await send(connection, HELLO);
  expect(error).toMatchObject({ response: "550 who?" });
  expect(peer.messages).toEqual([Buffer.from("")]);
});

test("SIZE and BODY are said only when we give them", async () => {
  const { connection, peer } = await connected({});
  await send(connection, HELLO);
  await send(connection, HELLO, { size: HELLO.length, use8BitMime: true });
  expect(peer.said("MAIL")).toEqual([
    "MAIL FROM:<s@example.edu>",
    `MAIL FROM:<s@example.edu> BODY=8BITMIME SIZE=${HELLO.length}`,
  ]);
});

test("8-bit bytes go out raw where 8BITMIME is not offered", async () => {
  const { connection, peer } = await connected({ plainEhlo: "250 scripted" });
  const bytes = Buffer.from("Subject: t\u00fc\r\n\r\n", "latin1");
  await send(connection, bytes, { use8BitMime: true });
  expect(peer.said("MAIL")).toEqual(["MAIL FROM:<s@example.edu>"]);
  expect(peer.messages).toEqual([bytes]);
});

test("addresses go out as they are; one angle bracket in one of them fails them all", async () => {
  const { connection, peer } = await connected({});
  await send(connection, HELLO, { to: ['"a b"@example.edu', "a;b,c@example.edu"] });
  expect(peer.said("RCPT")).toEqual(['RCPT TO:<"a b"@example.edu>', "RCPT TO:<a;b,c@example.edu>"]);
  const { error } = await send(connection, HELLO, { to: ["a@example.edu", '"a<b"@example.edu'] });
  expect(error).toMatchObject({ code: "EENVELOPE", command: "API" });
  expect(peer.said("MAIL")).toHaveLength(1);
});

test("bare CR and LF become CRLF, dots are doubled, the last line is ended; clean bytes stay", async () => {
  const { connection, peer } = await connected({});
  const clean = Buffer.from("Subject: \0\x01\xff\r\n\r\nclean\r\n", "latin1");
  await send(connection, clean);
  await send(connection, Buffer.from("a\rb\nc\r\n.d\r.e"));
  expect(peer.messages.map((bytes) => bytes.toString("latin1"))).toEqual([
    clean.toString("latin1"),
    "a\r\nb\r\nc\r\n..d\r\n..e\r\n",
  ]);
});

test("a reply beyond maxResponseSize is an error; empty lines between replies are passed over", async () => {
  const long = (peer: Peer) => peer.write(`250-${"x".repeat(100)}\r\n`.repeat(20));
  const cut = await connected({ mail: long }, { maxResponseSize: 1000 });
  expect((await send(cut.connection, HELLO)).error).toMatchObject({ code: "EPROTOCOL" });

  const { connection } = await connected({ mail: ["", "", "250 ok", ""] });
  expect((await send(connection, HELLO)).error).toBeNull();
});

test("each reply awaited is one reply taken: an unasked one is an error", async () => {
  const { peer, failures } = await connected({});
  peer.say("250 hello?");
  await vi.waitFor(() => expect(failures).toMatchObject([{ code: "EPROTOCOL" }]));
});
