import { Readable } from "node:stream";
import { describe, expect, test, vi } from "vitest";
import {
  A,
  B,
  envelope,
  expectToDeliver,
  failureToOpen,
  message,
  open,
  summary,
  talk,
  upstream,
} from "./fixture.ts";
import { type Answer, close, drip, hang, OFFER, type Peer, reset, type Script } from "./scripted.ts";

const BIG = message(`Subject: big\r\n\r\n${`${"x".repeat(998)}\r\n`.repeat(16_000)}`);
const SHORT = { greetingMs: 300, commandMs: 300, dotMs: 300, quitMs: 50 };

const OPENING: [keyof Script, string][] = [
  ["greeting", "greeting"],
  ["plainEhlo", "ehlo"],
  ["starttls", "tls"],
  ["ehlo", "ehlo"],
  ["auth", "auth"],
];
const SENDING: [keyof Script, string][] = [
  ["mail", "mail"],
  ["rcpt", "rcpt"],
  ["data", "data"],
  ["dot", "dot"],
];

describe.each([
  ["closes", close, /^ECONN/],
  ["resets", reset, /^ECONN/],
  ["hangs", hang, /^ETIMEDOUT$/],
  ["drips an endless line", drip, /^(ETIMEDOUT|EPROTOCOL)$/],
] as [string, Answer, RegExp][])("an upstream that %s", (_name, answer, cause) => {
  test.each(OPENING)("at %s fails the opening at %s, and is left", async (step, stage) => {
    const up = await upstream({ script: { [step]: answer } });
    const failure = await failureToOpen(up, { timeouts: SHORT });
    expect(failure).toMatchObject({ stage, cause: expect.stringMatching(cause) });
    expect(failure.reply).toBeUndefined();
    await vi.waitFor(() => expect(up.peers[0]?.closed).toBe(true));
  });

  test.each(SENDING)(
    "at %s fails the transaction at %s; only the dot leaves a doubt",
    async (step, stage) => {
      const { session, peer } = await talk({ [step]: answer }, { timeouts: SHORT });
      const sent = await session.send(envelope(A, B), message());
      const [first] = sent.results;
      expect(first).toMatchObject({
        failure: { stage, cause: expect.stringMatching(cause) },
        verdict: { scope: "session" },
      });
      expect(sent.results).toHaveLength(2);
      expect(sent).toMatchObject({ inDoubt: step === "dot", sessionLost: true });
      expect(session).toMatchObject({ usable: false, mails: 1 });
      await vi.waitFor(() => expect(peer.closed).toBe(true));
    },
  );

  test("in the middle of the message leaves no doubt", async () => {
    const body = (peer: Peer) => {
      peer.socket.pause();
      peer.answer(answer, "");
    };
    const { session, peer } = await talk({ body }, { timeouts: SHORT });
    const sent = await session.send(envelope(), BIG);
    expect(sent.results[0]).toMatchObject({ failure: { stage: "body" } });
    expect(sent).toMatchObject({ inDoubt: false, sessionLost: true });
    expect(peer.messages).toEqual([]);
  });
});

test("the big message of these tests is delivered by an upstream that behaves", async () => {
  const { session, peer } = await talk({}, { timeouts: SHORT });
  expect(summary(await session.send(envelope(), BIG))).toEqual(["a@example.edu delivered"]);
  expect(peer.messages[0]?.equals(BIG.body)).toBe(true);
});

test("an implicit TLS that is never spoken fails at tls", async () => {
  const up = await upstream({ script: { greeting: hang } }); // a plain server
  const failure = await failureToOpen(up, { security: "tls", timeouts: SHORT });
  expect(failure).toMatchObject({ stage: "tls", cause: "ETIMEDOUT" });
});

test("an upstream that is slow, but within each limit, is waited for", async () => {
  const slow =
    (text: string): Answer =>
    (peer) =>
      peer.later(() => peer.say(text), 200);
  const script = { mail: slow("250 ok"), rcpt: slow("250 ok"), data: "354 go on", dot: slow("250 ok") };
  const { session } = await talk(
    { ...script, ehlo: OFFER },
    { timeouts: { ...SHORT, commandMs: 1000, dotMs: 1000 } },
  );
  await expectToDeliver(session);
});

describe("a reply to the message that comes before the message was sent", () => {
  test("in the same breath as 354: a yes is no yes, the session is dropped", async () => {
    const { session } = await talk({
      data: (peer) => peer.say("354 go on", "250 2.0.0 taken"),
      dot: "554 5.7.1 spam",
    });
    const sent = await session.send(envelope(), message());
    expect(summary(sent)).toEqual(["a@example.edu body EPROTOCOL session defer"]);
    expect(sent).toMatchObject({ inDoubt: true, sessionLost: true });
  });

  test("in the middle of it: a yes is no yes, and no dot follows", async () => {
    const early = (peer: Peer) => peer.pieces === 1 && peer.say("250 2.0.0 taken");
    const { session, peer } = await talk({ body: early });
    const sent = await session.send(envelope(), BIG);
    expect(summary(sent)).toEqual(["a@example.edu body EPROTOCOL session defer"]);
    expect(sent).toMatchObject({ inDoubt: false, sessionLost: true });
    await vi.waitFor(() => expect(peer.closed).toBe(true));
    expect(peer.messages).toEqual([]);
  });

  test("in the middle of it: a no counts, and the session is dropped", async () => {
    const early = (peer: Peer) => peer.pieces === 1 && peer.say("552 5.3.4 too big");
    const { session, peer } = await talk({ body: early });
    const sent = await session.send(envelope(), BIG);
    expect(summary(sent)).toEqual(["a@example.edu body 552 message bounce"]);
    expect(sent).toMatchObject({ inDoubt: false, sessionLost: true });
    expect(peer.said("RSET")).toEqual([]);
  });
});

describe("a reply without end is cut", () => {
  const endless =
    (text: string): Answer =>
    (peer) => {
      const flood = () => {
        if (!peer.closed && peer.socket.writable) peer.socket.write(text.repeat(100), flood);
      };
      flood();
    };
  test.each([
    ["a line", "2".repeat(100)],
    ["continuation lines", "250-more\r\n"],
    ["empty lines", "\r\n"],
  ])("of %s, at any stage", async (_name, text) => {
    for (const step of ["greeting", "ehlo", "mail", "dot"] as const) {
      const up = await upstream({ script: { [step]: endless(text) } });
      if (step === "greeting" || step === "ehlo") {
        expect(await failureToOpen(up)).toMatchObject({ stage: step, cause: "EPROTOCOL" });
      } else {
        const session = await open(up);
        const sent = await session.send(envelope(), message());
        expect(summary(sent)).toEqual([`a@example.edu ${step} EPROTOCOL session defer`]);
        expect(sent.inDoubt).toBe(step === "dot");
      }
      await vi.waitFor(() => expect(up.peers[0]?.closed).toBe(true));
    }
  });

  test("a long reply below the limit is read and shown in part", async () => {
    const { session } = await talk({ dot: [...Array(500).fill("554-a line of an essay"), "554 5.7.1 spam"] });
    const sent = await session.send(envelope(), message());
    expect(summary(sent)).toEqual(["a@example.edu dot 554 message bounce"]);
    expect(sent.sessionLost).toBe(false);
  });
});

describe("a session that waits for work", () => {
  test.each([
    ["is closed by the upstream", (peer: Peer) => peer.end()],
    ["is closed with 421", (peer: Peer) => peer.say("421 4.4.2 idle too long")],
    ["is reset", (peer: Peer) => peer.reset()],
    ["gets a reply nobody asked for", (peer: Peer) => peer.say("250 hello?")],
  ])("%s: it is not usable, and a message given to it fails without being sent", async (_name, act) => {
    const { session, peer } = await talk({});
    await expectToDeliver(session);
    act(peer);
    await vi.waitFor(() => expect(session.usable).toBe(false));
    const sent = await session.send(envelope(), message());
    expect(sent.results[0]).toMatchObject({
      status: "failed",
      verdict: { scope: "session", action: "defer" },
    });
    expect(sent).toMatchObject({ inDoubt: false, sessionLost: true });
    expect(peer.messages).toHaveLength(1);
    await session.quit();
  });
});

describe("a message that cannot be read from our own disk", () => {
  const failing = (error: Error | undefined, sizeBytes: number) => {
    async function* pieces() {
      yield Buffer.from("Subject: half\r\n\r\nhalf\r\n");
      if (error) throw error;
    }
    return { sizeBytes, eightBit: false, body: Readable.from(pieces()) };
  };
  test.each([
    ["breaks off with an error", new Error("EIO"), 1000],
    ["is shorter than it should be", undefined, 1000],
    ["is longer than it should be", undefined, 10],
  ])("as it %s: no dot is said, the message waits", async (_name, error, bytes) => {
    const { session, peer } = await talk({});
    const sent = await session.send(envelope(), failing(error, bytes));
    expect(summary(sent)).toEqual(["a@example.edu body BODYUNREADABLE message defer"]);
    expect(sent).toMatchObject({ inDoubt: false, sessionLost: true });
    await vi.waitFor(() => expect(peer.closed).toBe(true));
    expect(peer.messages).toEqual([]);
  });
});

describe("stopping", () => {
  test("an abort in the middle of a transaction ends it at once", async () => {
    const stop = new AbortController();
    const up = await upstream({ script: { mail: () => stop.abort() } });
    const session = await open(up, {}, stop.signal);
    const sent = await session.send(envelope(), message());
    expect(summary(sent)).toEqual(["a@example.edu mail ABORTED session defer"]);
    expect(sent).toMatchObject({ inDoubt: false, sessionLost: true });
    await vi.waitFor(() => expect(up.peers[0]?.closed).toBe(true));
  });

  test("an abort while it waits closes the session", async () => {
    const stop = new AbortController();
    const up = await upstream();
    const session = await open(up, {}, stop.signal);
    await expectToDeliver(session);
    stop.abort();
    expect(session.usable).toBe(false);
    await vi.waitFor(() => expect(up.peers[0]?.closed).toBe(true));
  });

  test("quit in the middle of a transaction closes without a word", async () => {
    const up = await upstream({ script: { dot: () => void session.quit() } });
    const session = await open(up);
    const sent = await session.send(envelope(), message());
    expect(sent).toMatchObject({ inDoubt: true, sessionLost: true });
    expect(up.peers[0]?.said("QUIT")).toEqual([]);
  });

  test("quit does not wait long for an upstream that does not answer it", async () => {
    const { session, peer } = await talk({ quit: hang }, { timeouts: { quitMs: 20 } });
    await session.quit();
    await session.quit();
    await vi.waitFor(() => expect(peer.closed).toBe(true));
    expect(peer.said("QUIT")).toHaveLength(1);
  });
});
