import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import {
  A,
  address,
  B,
  C,
  envelope,
  expectToDeliver,
  message,
  open,
  summary,
  talk,
  upstream,
} from "./fixture.ts";
import { type Answer, OFFER, type Peer, type Script } from "./scripted.ts";

const NO_PIPELINING = OFFER.filter((line) => !line.includes("PIPELINING"));

/** Answers one after the other, then the last again. */
const inTurn = (...answers: string[]): Answer => {
  return (peer) => peer.say((answers.length > 1 ? answers.shift() : answers[0]) ?? "");
};

function enough(peer: Peer): void {
  peer.say("421 4.3.2 enough");
  peer.end();
}

describe("messages that arrive", () => {
  test("three in one session, byte for byte, dots doubled", async () => {
    const { session, peer } = await talk({});
    const texts = [
      "Subject: one\r\n\r\n.\r\n..\r\n.dot\r\nnot.dot\r\n",
      `Subject: t\u00fcn\r\n\r\n${"\u00e9\u00ff\u0080".repeat(50)}\r\n`,
      `Subject: three\r\n\r\n${`${"x".repeat(900)}\r\n`.repeat(300)}`,
    ];
    for (const text of texts) {
      const sent = await session.send(envelope(), message(text, /[\x80-\xff]/.test(text)));
      expect(sent).toMatchObject({ inDoubt: false, sessionLost: false });
      expect(summary(sent)).toEqual(["a@example.edu delivered"]);
    }
    const arrived = peer.messages.map((bytes) => bytes.toString("latin1").replaceAll("\r\n..", "\r\n."));
    expect(arrived).toEqual(texts);
    expect(peer.messages[0]?.toString()).toBe("Subject: one\r\n\r\n..\r\n...\r\n..dot\r\nnot.dot\r\n");
    expect(session.mails).toBe(3);
    expect(peer.said("MAIL")).toEqual([
      `MAIL FROM:<portal@lab.example.edu> SIZE=${texts[0]?.length}`,
      `MAIL FROM:<portal@lab.example.edu> BODY=8BITMIME SIZE=${texts[1]?.length}`,
      `MAIL FROM:<portal@lab.example.edu> SIZE=${texts[2]?.length}`,
    ]);
    expect(peer.said("RSET")).toEqual([]);
  });

  test("from a stream, in pieces that cut lines anywhere", async () => {
    const { session, peer } = await talk({});
    const text = "Subject: s\r\n\r\n.a\r\n.\r\n.b\r\n";
    const body = Readable.from(text.split("").map((character) => Buffer.from(character)));
    await session.send(envelope(), { sizeBytes: text.length, eightBit: false, body });
    expect(peer.messages[0]?.toString()).toBe("Subject: s\r\n\r\n..a\r\n..\r\n..b\r\n");
    expect(body.destroyed).toBe(true);
  });

  test("with the reply of the upstream, all of it", async () => {
    const { session } = await talk({ dot: ["250-2.6.0 taken", "250 2.6.0 as \x1b[1m4711"] });
    const { results } = await session.send(envelope(), message());
    const text = "250-2.6.0 taken / 250 2.6.0 as \\x1b[1m4711";
    expect(results).toEqual([
      { recipient: A, status: "delivered", reply: { code: 250, enhanced: "2.6.0", text } },
    ]);
  });

  test("with addresses as they were given, odd characters and all", async () => {
    const { session, peer } = await talk({});
    const odd = [
      '"a b"@example.edu',
      "o'neil+tag/x=y!#$%&*?^_`{|}~-@example.edu",
      '"a\\"@b"@example.edu',
      "a@[192.0.2.1]",
    ];
    const sent = await session.send(
      { sender: address('"x y"@lab.example.edu'), recipients: odd.map(address) },
      message(),
    );
    expect(peer.said("MAIL")[0]).toMatch(/^MAIL FROM:<"x y"@lab\.example\.edu> SIZE=/);
    expect(peer.said("RCPT")).toEqual(odd.map((one) => `RCPT TO:<${one}>`));
    expect(sent.results.every(({ status }) => status === "delivered")).toBe(true);
  });

  test("an angle bracket in a quoted address fails that recipient alone", async () => {
    const { session, peer } = await talk({});
    const odd = address('"a<b"@example.edu');
    const sent = await session.send(envelope(odd, A), message());
    expect(summary(sent)).toEqual(["a@example.edu delivered", `${odd} rcpt BADADDRESS recipient bounce`]);
    expect(peer.said("RCPT")).toEqual(["RCPT TO:<a@example.edu>"]);
    expect(summary(await session.send(envelope(odd), message()))).toEqual([
      `${odd} rcpt BADADDRESS recipient bounce`,
    ]);
    expect(session.mails).toBe(1);
  });
});

describe.each([
  ["with PIPELINING", OFFER],
  ["without PIPELINING", NO_PIPELINING],
])("replies of the upstream, %s", (_name, ehlo) => {
  const cases: [string, Script, string[]][] = [
    [
      "a mixed list of recipients: each gets its own outcome",
      { rcpt: inTurn("250 ok", "450 4.2.1 later", "550 5.1.1 who?") },
      [
        "a@example.edu delivered",
        "b@example.edu rcpt 450 recipient defer",
        "c@example.edu rcpt 550 recipient bounce",
      ],
    ],
    [
      "too many recipients: the first are sent, the others wait",
      { rcpt: inTurn("250 ok", "452 4.5.3 too many", "452 4.5.3 too many") },
      [
        "a@example.edu delivered",
        "b@example.edu rcpt 452 recipient defer",
        "c@example.edu rcpt 452 recipient defer",
      ],
    ],
    [
      "all recipients refused",
      { rcpt: inTurn("550 5.1.1 who?", "451 4.7.1 grey"), data: "554 5.5.1 no valid recipients" },
      [
        "a@example.edu rcpt 550 recipient bounce",
        "b@example.edu rcpt 451 recipient defer",
        "c@example.edu rcpt 451 recipient defer",
      ],
    ],
    [
      "all recipients refused, but DATA is taken: nothing is delivered",
      { rcpt: "550 5.1.1 who?", data: "354 go on" },
      [
        "a@example.edu rcpt 550 recipient bounce",
        "b@example.edu rcpt 550 recipient bounce",
        "c@example.edu rcpt 550 recipient bounce",
      ],
    ],
    [
      "the sender is refused",
      { mail: "550 5.7.1 not you", rcpt: "503 5.5.1 MAIL first", data: "503 5.5.1 MAIL first" },
      all("mail 550 pair defer"),
    ],
    [
      "the sender is refused for now",
      { mail: "451 4.3.0 later", rcpt: "503 no", data: "503 no" },
      all("mail 451 message defer"),
    ],
    [
      "the sender is refused in nonsense",
      { mail: "hello", rcpt: "503 no", data: "503 no" },
      all("mail 0 session defer"),
    ],
    [
      "authentication is asked for again",
      { mail: "530 5.7.0 log in", rcpt: "503 no", data: "503 no" },
      all("mail 530 account defer"),
    ],
    ["DATA is refused", { data: "554 5.3.4 no" }, all("data 554 message bounce")],
    ["DATA is refused for now", { data: "451 4.3.0 later" }, all("data 451 message defer")],
    [
      "DATA is refused after a mixed list",
      { rcpt: inTurn("550 5.1.1 who?", "250 ok"), data: "451 4.3.0 later" },
      [
        "a@example.edu rcpt 550 recipient bounce",
        "b@example.edu data 451 message defer",
        "c@example.edu data 451 message defer",
      ],
    ],
    ["the message is refused", { dot: "554 5.7.1 spam" }, all("dot 554 message bounce")],
    ["the message is too big", { dot: "552 5.3.4 too big" }, all("dot 552 message bounce")],
    ["the message is refused for now", { dot: "451 4.3.0 later" }, all("dot 451 message defer")],
    [
      "the message is refused after a mixed list",
      { rcpt: inTurn("450 4.2.1 later", "250 ok"), dot: "554 5.7.1 spam" },
      [
        "a@example.edu rcpt 450 recipient defer",
        "b@example.edu dot 554 message bounce",
        "c@example.edu dot 554 message bounce",
      ],
    ],
  ];
  test.each(cases)("%s; the session goes on after RSET", async (_what, script, expected) => {
    const polite = { mail: "250 ok", rcpt: "250 ok", data: "354 go on", dot: "250 ok" };
    const current: Script = { ...polite, ...script };
    const now =
      (step: keyof typeof polite): Answer =>
      (peer, line) =>
        peer.answer(current[step] ?? polite[step], line);
    const data: Answer =
      "data" in script && !String(script.data).startsWith("3") ? script.data! : "354 go on";
    const { session, peer } = await talk({
      ehlo,
      mail: now("mail"),
      rcpt: now("rcpt"),
      data,
      dot: now("dot"),
    });
    const sent = await session.send(envelope(A, B, C), message());
    expect(summary(sent)).toEqual(expected);
    expect(sent).toMatchObject({ inDoubt: false, sessionLost: false });
    const delivered = expected.some((line) => line.endsWith("delivered"));
    expect(peer.said("RSET")).toHaveLength(delivered ? 0 : 1);
    expect(session.mails).toBe(1);
    expect(session.usable).toBe(true);
  });

  test("421 to MAIL ends the session and blames nobody else", async () => {
    const { session, peer } = await talk({ ehlo, mail: enough });
    const sent = await session.send(envelope(A, B), message());
    expect(summary(sent)).toEqual([
      "a@example.edu mail 421 session defer",
      "b@example.edu mail 421 session defer",
    ]);
    expect(sent).toMatchObject({ inDoubt: false, sessionLost: true });
    expect(session.usable).toBe(false);
    expect(peer.messages).toEqual([]);
  });

  test("421 to the second recipient: the first reply still counts when it was definite", async () => {
    const rcpt = inTurn("550 5.1.1 who?", "421 4.3.2 enough");
    const { session } = await talk({ ehlo, rcpt });
    const sent = await session.send(envelope(A, B, C), message());
    expect(summary(sent)).toEqual([
      "a@example.edu rcpt 550 recipient bounce",
      "b@example.edu rcpt 421 session defer",
      "c@example.edu rcpt 421 session defer",
    ]);
    expect(sent.sessionLost).toBe(true);
  });

  test("421 to the message", async () => {
    const { session } = await talk({ ehlo, dot: "421 4.3.2 enough" });
    const sent = await session.send(envelope(), message());
    expect(summary(sent)).toEqual(["a@example.edu dot 421 session defer"]);
    expect(sent).toMatchObject({ inDoubt: false, sessionLost: true });
  });
});

function all(what: string): string[] {
  return ["a", "b", "c"].map((name) => `${name}@example.edu ${what}`);
}

describe("after a transaction that failed", () => {
  test("the next message is delivered in the same session", async () => {
    const { session, peer } = await talk({ dot: inTurn("554 5.7.1 spam", "250 ok") });
    expect(summary(await session.send(envelope(), message()))).toEqual([
      "a@example.edu dot 554 message bounce",
    ]);
    await expectToDeliver(session);
    expect(peer.lines.filter((line) => /^(MAIL|RSET)/.test(line)).map((line) => line.slice(0, 4))).toEqual([
      "MAIL",
      "RSET",
      "MAIL",
    ]);
    expect(session.mails).toBe(2);
  });

  test("a session that refuses RSET is not used again, the outcome stands", async () => {
    const { session } = await talk({ dot: "554 5.7.1 spam", rset: "502 5.5.1 what?" });
    const sent = await session.send(envelope(), message());
    expect(summary(sent)).toEqual(["a@example.edu dot 554 message bounce"]);
    expect(sent.sessionLost).toBe(true);
    expect(session.usable).toBe(false);
  });
});

describe("limits of the upstream", () => {
  test("a message over SIZE fails here, nothing is said", async () => {
    const { session, peer } = await talk({ ehlo: ["250-scripted", "250-SIZE 30", "250 AUTH PLAIN"] });
    const big = await session.send(envelope(A, B), message("Subject: hello\r\n\r\nthirty-one \r\n"));
    expect(summary(big)).toEqual([
      "a@example.edu mail TOOBIG message bounce",
      "b@example.edu mail TOOBIG message bounce",
    ]);
    expect(big.results[0]).toMatchObject({ failure: { status: "5.3.4" } });
    expect(big.sessionLost).toBe(false);
    expect(peer.said("MAIL")).toEqual([]);
    expect(session.mails).toBe(0);
    expect(summary(await session.send(envelope(), message("Subject: hello\r\n\r\nthirty ..\r\n")))).toEqual([
      "a@example.edu delivered",
    ]);
  });

  test("an 8-bit message without 8BITMIME fails here, nothing is said", async () => {
    const { session, peer } = await talk({ ehlo: ["250-scripted", "250 AUTH PLAIN"] });
    const eightBit = await session.send(envelope(), message("Subject: t\u00fc\r\n\r\n", true));
    expect(summary(eightBit)).toEqual(["a@example.edu mail EIGHTBIT message bounce"]);
    expect(eightBit.results[0]).toMatchObject({ failure: { status: "5.6.3" } });
    expect(peer.said("MAIL")).toEqual([]);
    await expectToDeliver(session);
  });

  test("MAILMAX and our own limit: failed transactions count, one more is a bug", async () => {
    const up = await upstream({
      script: {
        ehlo: [...OFFER.slice(0, -1), "250-LIMITS MAILMAX=2", "250 AUTH PLAIN"],
        mail: "451 no",
        rcpt: "503 no",
        data: "503 no",
      },
    });
    const session = await open(up);
    await session.send(envelope(), message());
    expect(session.usable).toBe(true);
    await session.send(envelope(), message());
    expect(session).toMatchObject({ mails: 2, usable: false });
    await expect(session.send(envelope(), message())).rejects.toThrow("limit: 2 messages");
    const other = await open(await upstream(), { mailMax: 1 });
    await expectToDeliver(other);
    expect(other.usable).toBe(false);
  });

  test("more recipients than RCPTMAX, none at all, and two transactions at once are bugs", async () => {
    const { session } = await talk({
      ehlo: [...OFFER.slice(0, -1), "250-LIMITS RCPTMAX=2", "250 AUTH PLAIN"],
    });
    await expect(session.send(envelope(A, B, C), message())).rejects.toThrow("1 to 2");
    await expect(session.send({ ...envelope(), recipients: [] }, message())).rejects.toThrow("0 recipients");
    const first = session.send(envelope(), message());
    await expect(session.send(envelope(), message())).rejects.toThrow("busy");
    expect(summary(await first)).toEqual(["a@example.edu delivered"]);
  });
});
