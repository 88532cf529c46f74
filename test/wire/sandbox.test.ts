/** The upstream simulator on the wire: each rule of the relay service, with what passes beside what does not. */
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type FailRule, parseFailRule } from "../../src/sandbox/faults.ts";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../src/sandbox/simulator.ts";
import { Talk } from "./talk.ts";

const USER = "service-account";
const PASSWORD = "correct horse";
const PAIRS = [
  { envelope: "app@example.org", header: "app@example.org" },
  { envelope: "bounces@example.org", header: "news@example.org" },
];
const MESSAGE = "From: app@example.org\r\nSubject: hello\r\nMessage-ID: <1@example.org>\r\n\r\nbody\r\n";

let dir: string;
let sandbox: Sandbox;
const open: Talk[] = [];

async function start(options: Partial<SandboxOptions> = {}): Promise<Sandbox> {
  sandbox = await startSandbox({
    ...{ starttlsPort: 0, tlsPort: 0, dir, username: USER, password: PASSWORD, pairs: PAIRS },
    ...options,
  });
  return sandbox;
}

function rules(...texts: string[]): FailRule[] {
  return texts.map((text) => {
    const parsed = parseFailRule(text);
    if (!parsed.ok) throw new Error(parsed.problem);
    return parsed.rule;
  });
}

/** A session in clear, greeted. */
async function clear(): Promise<Talk> {
  const talk = await Talk.connect(sandbox.starttlsPort);
  open.push(talk);
  expect(await talk.reply()).toMatch(/^220 /);
  return talk;
}

/** A session inside TLS, greeted. */
async function secure(): Promise<Talk> {
  const talk = await Talk.connectTls(sandbox.tlsPort, { ca: sandbox.ca });
  open.push(talk);
  expect(await talk.reply()).toMatch(/^220 /);
  expect(await talk.say("EHLO client.example.org")).toMatch(/^250-/);
  return talk;
}

const plain = (user: string, password: string) =>
  `AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString("base64")}`;

async function authenticated(): Promise<Talk> {
  const talk = await secure();
  expect(await talk.say(plain(USER, PASSWORD))).toMatch(/^235 /);
  return talk;
}

/** Hands one message over, as far as it gets; the last reply. */
async function submit(talk: Talk, sender = "app@example.org", message = MESSAGE): Promise<string> {
  for (const line of [`MAIL FROM:<${sender}>`, "RCPT TO:<bob@example.net>", "DATA"]) {
    const reply = await talk.say(line);
    if (!/^[23]/.test(reply)) return reply;
  }
  return await talk.say(`${message}.`);
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "sluice-sandbox-"));
});
afterEach(async () => {
  for (const talk of open.splice(0)) talk.cut();
  await sandbox.close();
});
afterAll(() => rm(dir, { recursive: true }));

describe("a real client", () => {
  test.each(["starttls", "tls"] as const)(
    "sends over %s, and what it sent is kept before its 250",
    async (way) => {
      await start();
      const connection = new SMTPConnection({
        host: "127.0.0.1",
        port: way === "tls" ? sandbox.tlsPort : sandbox.starttlsPort,
        secure: way === "tls",
        requireTLS: true,
        tls: { ca: sandbox.ca, servername: "localhost" },
      });
      const failed = new Promise<never>((_, reject) => connection.on("error", reject));
      const step = (run: (done: (error?: Error | null) => void) => void) =>
        Promise.race([failed, new Promise<void>((ok, no) => run((error) => (error ? no(error) : ok())))]);
      await step((done) => connection.connect(done));
      await step((done) => connection.login({ user: USER, pass: PASSWORD }, done));
      const envelope = { from: "bounces@example.org", to: ["bob@example.net", "eve@example.net"] };
      const message = "From: News <news@example.org>\r\nSubject: hi\r\n\r\n.dot\r\n";
      await step((done) => connection.send(envelope, message, done));
      const [arrived] = sandbox.arrived;
      expect(arrived).toMatchObject({
        ...{
          sender: "bounces@example.org",
          recipients: envelope.to,
          headerFrom: "news@example.org",
          subject: "hi",
        },
        ...{ sizeBytes: message.length, raw: Buffer.from(message) },
      });
      expect(await readFile(arrived?.file as string, "utf8")).toBe(message);
      const lines = (await readFile(join(dir, "arrived.jsonl"), "utf8")).trimEnd().split("\n");
      expect(JSON.parse(lines.at(-1) as string)).toMatchObject({
        file: arrived?.file,
        session: arrived?.session,
      });
      connection.quit();
      await expect
        .poll(() => sandbox.sessions[0])
        .toMatchObject({
          ...{ id: arrived?.session, tls: "TLSv1.3", mails: 1, authenticated: true, quit: true },
        });
    },
  );
});

describe("TLS", () => {
  const suite = (ciphers: string) => ({ ca: sandbox.ca, maxVersion: "TLSv1.2", ciphers }) as const;

  test("1.2 with the service's ciphers is spoken, anything weaker is not", async () => {
    await start();
    const talk = await Talk.connectTls(sandbox.tlsPort, suite("ECDHE-RSA-AES128-SHA"));
    open.push(talk);
    expect(talk.protocol).toBe("TLSv1.2");
    await expect(Talk.connectTls(sandbox.tlsPort, suite("ECDHE-RSA-CHACHA20-POLY1305"))).rejects.toThrow();
    const old = {
      ca: sandbox.ca,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "ALL:@SECLEVEL=0",
    } as const;
    await expect(Talk.connectTls(sandbox.tlsPort, old)).rejects.toThrow();
  });

  test("is trusted only by who trusts its CA", async () => {
    await start();
    await expect(Talk.connectTls(sandbox.tlsPort, {})).rejects.toThrow("certificate");
  });

  test("keeps the trust of its clients over a restart, and its password file is private", async () => {
    const { ca } = await start();
    await sandbox.close();
    expect((await start()).ca).toBe(ca);
    expect(await readFile(join(dir, "ca.pem"), "utf8")).toBe(ca);
    expect(await readFile(join(dir, "password"), "utf8")).toBe(`${PASSWORD}\n`);
    expect((await stat(join(dir, "password"))).mode & 0o777).toBe(0o600);
  });

  test("in clear there is neither AUTH nor mail, after STARTTLS there is", async () => {
    await start();
    const talk = await clear();
    const offer = await talk.say("EHLO client.example.org");
    expect(offer).toContain("STARTTLS");
    expect(offer).not.toContain("AUTH");
    expect(await talk.say(plain(USER, PASSWORD))).toMatch(/^530 5\.7\.0 /);
    expect(await talk.say("MAIL FROM:<app@example.org>")).toMatch(/^530 5\.7\.0 /);
    expect(await talk.say("STARTTLS")).toMatch(/^220 /);
    await talk.startTls({ ca: sandbox.ca });
    const inside = await talk.say("EHLO client.example.org");
    expect(inside).toContain("AUTH PLAIN LOGIN");
    expect(inside).not.toContain("STARTTLS");
    expect(await talk.say(plain(USER, PASSWORD))).toMatch(/^235 /);
    expect(await submit(talk)).toMatch(/^250 2\.0\.0 /);
  });
});

describe("AUTH", () => {
  test("is demanded before mail", async () => {
    await start();
    const talk = await secure();
    expect(await talk.say("MAIL FROM:<app@example.org>")).toMatch(/^530 5\.7\.0 /);
    expect(await talk.say(plain(USER, PASSWORD))).toMatch(/^235 /);
    expect(await talk.say("MAIL FROM:<app@example.org>")).toMatch(/^250 /);
  });

  test.each([
    ["user", plain("service-accounT", PASSWORD)],
    ["password", plain(USER, "correct hors")],
    ["user and password", plain("", "")],
  ])("with the wrong %s gets 535 5.7.8, with the right ones 235", async (_what, line) => {
    await start();
    const talk = await secure();
    expect(await talk.say(line)).toMatch(/^535 5\.7\.8 /);
    expect(sandbox.sessions[0]?.authenticated).toBe(false);
    expect(await talk.say(plain(USER, PASSWORD))).toMatch(/^235 /);
    expect(sandbox.sessions[0]?.authenticated).toBe(true);
  });

  test("LOGIN works as PLAIN does", async () => {
    await start();
    const talk = await secure();
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    expect(await talk.say("AUTH LOGIN")).toMatch(/^334 /);
    expect(await talk.say(base64(USER))).toMatch(/^334 /);
    expect(await talk.say(base64(PASSWORD))).toMatch(/^235 /);
  });
});

describe("senders", () => {
  test("an unknown envelope sender is refused at MAIL, a known one is not", async () => {
    await start();
    const talk = await authenticated();
    for (const sender of ["root@example.org", "news@example.org", ""]) {
      expect(await talk.say(`MAIL FROM:<${sender}>`)).toMatch(/^550 5\.7\.1 /);
    }
    expect(await talk.say("MAIL FROM:<app@EXAMPLE.org>")).toMatch(/^250 /);
  });

  test("a From that is no pair with the envelope sender is refused after the dot, and not kept", async () => {
    await start();
    const talk = await authenticated();
    for (const from of [
      "From: news@example.org\r\n",
      "From: root@example.org\r\n",
      "",
      "From: a@x, b@x\r\n",
    ]) {
      expect(await submit(talk, "app@example.org", `${from}\r\nbody\r\n`)).toMatch(/^550 5\.7\.1 /);
    }
    expect(sandbox.arrived).toHaveLength(0);
    expect(await submit(talk, "bounces@example.org", "From: news@example.org\r\n\r\nbody\r\n")).toMatch(
      /^250 /,
    );
    expect(sandbox.arrived).toHaveLength(1);
  });

  test("without pairs, everybody may send", async () => {
    sandbox = await startSandbox({ starttlsPort: 0, tlsPort: 0, dir, username: USER, password: PASSWORD });
    expect(await submit(await authenticated(), "anybody@example.com", "\r\nno head\r\n")).toMatch(/^250 /);
  });
});

describe("size", () => {
  const ofSize = (sizeBytes: number) => `${MESSAGE}${"x".repeat(sizeBytes - MESSAGE.length - 2)}\r\n`;

  test("EHLO and MAIL know the limit", async () => {
    await start();
    const talk = await authenticated();
    expect(await talk.say("EHLO client.example.org")).toMatch(/^250[- ]SIZE 4999999$/m);
    expect(await talk.say("MAIL FROM:<app@example.org> SIZE=5000000")).toMatch(/^552 5\.3\.4 /);
    expect(await talk.say("MAIL FROM:<app@example.org> SIZE=4999999")).toMatch(/^250 /);
  });

  test("4,999,999 bytes arrive, 5,000,000 do not", async () => {
    await start();
    const talk = await authenticated();
    expect(await submit(talk, "app@example.org", ofSize(5_000_000))).toMatch(/^552 5\.3\.4 5000000 /);
    expect(sandbox.arrived).toHaveLength(0);
    expect(await submit(talk, "app@example.org", ofSize(4_999_999))).toMatch(/^250 /);
    expect(sandbox.arrived.map(({ sizeBytes }) => sizeBytes)).toEqual([4_999_999]);
  });

  test("at twice the limit the connection is cut", async () => {
    await start({ maxMessageBytes: 10_000 });
    expect(await submit(await authenticated(), "app@example.org", ofSize(25_000))).toBe("closed");
    expect(await submit(await authenticated(), "app@example.org", ofSize(12_000))).toMatch(/^552 5\.3\.4 /);
  });

  test("a head too long to parse is refused", async () => {
    await start();
    const talk = await authenticated();
    const message = (sizeBytes: number) => `From: app@example.org\r\nX: ${"x".repeat(sizeBytes)}\r\n\r\n`;
    expect(await submit(talk, "app@example.org", message(100_000))).toMatch(/^554 5\.6\.0 /);
    expect(await submit(talk, "app@example.org", message(90_000))).toMatch(/^250 /);
  });
});

describe("limits", () => {
  test("the 101st MAIL of a session gets 421, failed ones counted", async () => {
    await start();
    const talk = await authenticated();
    for (let mail = 1; mail <= 100; mail += 1) {
      const isKnown = mail % 2 === 0;
      expect(await talk.say(`MAIL FROM:<${isKnown ? "app" : "root"}@example.org>`)).toMatch(
        isKnown ? /^250 / : /^550 /,
      );
      if (isKnown) expect(await talk.say("RSET")).toMatch(/^250 /);
    }
    expect(await talk.say("MAIL FROM:<app@example.org>")).toMatch(/^421 4\.7\.0 /);
    expect(await talk.reply()).toBe("closed");
    expect(sandbox.sessions[0]?.mails).toBe(101);
  });

  test("LIMITS is said only when asked for", async () => {
    await start({ messagesPerSession: 2, announcedMailMax: 2 });
    expect(await (await secure()).say("EHLO client.example.org")).toMatch(/^250[- ]LIMITS MAILMAX=2$/m);
    await sandbox.close();
    await start({ messagesPerSession: 2 });
    expect(await (await secure()).say("EHLO client.example.org")).not.toContain("LIMITS");
  });

  test("an hour holds so many messages and no more", async () => {
    let nowMs = Date.parse("2026-03-01T12:00:00Z");
    await start({ perHour: 2, now: () => new Date(nowMs) });
    const talk = await authenticated();
    expect(await submit(talk)).toMatch(/^250 /);
    const other = await authenticated();
    for (const line of ["MAIL FROM:<app@example.org>", "RCPT TO:<bob@example.net>", "DATA"])
      await other.say(line);
    expect(await submit(talk)).toMatch(/^250 /);
    expect(await talk.say("MAIL FROM:<app@example.org>")).toMatch(/^451 4\.7\.1 /);
    expect(await other.say(`${MESSAGE}.`)).toMatch(/^451 4\.7\.1 /);
    nowMs += 3600_000;
    expect(await submit(talk)).toMatch(/^250 /);
  });
});

describe("faults", () => {
  const faulty = async (...texts: string[]) => start({ rules: rules(...texts) });

  test("connect=drop serves nobody, until the rules change", async () => {
    await faulty("connect=drop");
    expect(await (await Talk.connect(sandbox.starttlsPort)).reply()).toBe("closed");
    await expect(Talk.connectTls(sandbox.tlsPort, { ca: sandbox.ca })).rejects.toThrow();
    sandbox.setRules([]);
    await secure();
  });

  test("connect, greeting and dot that hang say nothing more, and do not keep it from closing", async () => {
    await faulty("connect#1=hang", "greeting#1=hang", "dot=hang");
    const silent = [await Talk.connect(sandbox.starttlsPort), await Talk.connect(sandbox.starttlsPort)];
    open.push(...silent);
    const talk = await authenticated();
    const replies = Promise.all([...silent.map((client) => client.reply()), submit(talk)]);
    await expect.poll(() => sandbox.arrived).toHaveLength(1);
    await sandbox.close();
    expect(await replies).toEqual(["closed", "closed", "closed"]);
    await start();
  });

  test("greeting, ehlo, starttls, auth, mail, rcpt and data can be refused", async () => {
    await faulty("greeting#1=554 5.3.2 no service");
    const refused = await Talk.connect(sandbox.starttlsPort);
    expect(await refused.reply()).toBe("554 5.3.2 no service");
    expect(await refused.reply()).toBe("closed");
    sandbox.setRules(
      rules(
        ...["ehlo#1=451 4.3.0 e", "starttls=454 4.7.0 s", "auth#1=535 5.7.8 a", "mail#1=451 4.7.1 m"],
        ...["rcpt:bob@example.net#1=550 5.1.1 r", "data#1=452 4.3.1 d"],
      ),
    );
    const inClear = await clear();
    expect(await inClear.say("EHLO client.example.org")).toBe("451 4.3.0 e");
    expect(await inClear.say("EHLO client.example.org")).toMatch(/^250-/);
    expect(await inClear.say("STARTTLS")).toBe("454 4.7.0 s");
    const talk = await secure();
    expect(await talk.say(plain(USER, PASSWORD))).toBe("535 5.7.8 a");
    expect(await talk.say(plain(USER, PASSWORD))).toMatch(/^235 /);
    expect(await talk.say("MAIL FROM:<app@example.org>")).toBe("451 4.7.1 m");
    expect(await talk.say("MAIL FROM:<app@example.org>")).toMatch(/^250 /);
    expect(await talk.say("RCPT TO:<bob@example.net>")).toBe("550 5.1.1 r");
    expect(await talk.say("RCPT TO:<eve@example.net>")).toMatch(/^250 /);
    expect(await talk.say("DATA")).toBe("452 4.3.1 d");
    expect(await talk.say("DATA")).toMatch(/^354 /);
  });

  test("421 ends the session, and the third time is the third time", async () => {
    await faulty("data#3=421 4.3.2 going down");
    const talk = await authenticated();
    expect(await submit(talk)).toMatch(/^250 /);
    expect(await submit(talk)).toMatch(/^250 /);
    expect(await submit(talk)).toBe("421 4.3.2 going down");
    expect(await talk.reply()).toBe("closed");
    expect(sandbox.arrived).toHaveLength(2);
  });

  test("dot refused keeps nothing; dot=drop keeps the message and cuts before the reply", async () => {
    await faulty("dot#1=451 4.3.0 later", "dot#2=drop");
    const talk = await authenticated();
    expect(await submit(talk)).toBe("451 4.3.0 later");
    expect(sandbox.arrived).toHaveLength(0);
    expect(await submit(talk)).toBe("closed");
    expect(sandbox.arrived).toHaveLength(1);
  });

  test("dot=delay keeps the message and is late with the reply", async () => {
    await faulty("dot=delay 20ms");
    expect(await submit(await authenticated())).toMatch(/^250 /);
  });

  test("body=drop cuts in the middle, and nothing arrives", async () => {
    await faulty("body#1=drop");
    expect(await submit(await authenticated())).toBe("closed");
    expect(sandbox.arrived).toHaveLength(0);
    expect(await submit(await authenticated())).toMatch(/^250 /);
  });

  test("a client that cuts off before its dot leaves nothing", async () => {
    await start();
    const talk = await authenticated();
    for (const line of ["MAIL FROM:<app@example.org>", "RCPT TO:<bob@example.net>", "DATA"])
      await talk.say(line);
    talk.write(MESSAGE);
    talk.cut();
    expect(await submit(await authenticated())).toMatch(/^250 /);
    expect(sandbox.arrived).toHaveLength(1);
  });

  test("tls=drop ends the handshake on both ports", async () => {
    await faulty("tls=drop");
    await expect(Talk.connectTls(sandbox.tlsPort, { ca: sandbox.ca })).rejects.toThrow();
    const talk = await clear();
    await talk.say("EHLO client.example.org");
    expect(await talk.say("STARTTLS")).toMatch(/^220 /);
    await expect(talk.startTls({ ca: sandbox.ca })).rejects.toThrow();
  });

  test("a session cut in its handshake by the end of the simulator is no crash", async () => {
    await start();
    const talk = await clear();
    await talk.say("EHLO client.example.org");
    expect(await talk.say("STARTTLS")).toMatch(/^220 /);
    await sandbox.close();
    expect(await talk.reply()).toBe("closed");
    await start();
  });

  test("strip leaves out the offer, and what is not offered is not there", async () => {
    await faulty("starttls#1=strip", "auth#1=strip");
    const talk = await clear();
    expect(await talk.say("EHLO client.example.org")).not.toContain("STARTTLS");
    expect(await talk.say("STARTTLS")).toMatch(/^502 5\.5\.1 /);
    expect(await talk.say("EHLO client.example.org")).toContain("STARTTLS");
    expect(await talk.say("STARTTLS")).toMatch(/^220 /);
    await talk.startTls({ ca: sandbox.ca });
    expect(await talk.say("EHLO client.example.org")).not.toContain("AUTH");
    expect(await talk.say("EHLO client.example.org")).toContain("AUTH");
  });
});

describe("the simulator", () => {
  test("numbers its files on after a restart", async () => {
    await start();
    await submit(await authenticated());
    const before = sandbox.arrived[0]?.file as string;
    await sandbox.close();
    await start();
    await submit(await authenticated());
    const number = (file: string | undefined) => Number(/(\d+)\.eml$/.exec(file ?? "")?.[1]);
    expect(number(sandbox.arrived[0]?.file)).toBe(number(before) + 1);
    expect(await readFile(before, "utf8")).toBe(MESSAGE);
  });

  test("says which port it could not have, and leaves nothing open", async () => {
    await start();
    const said: string[] = [];
    const log = (line: string) => void said.push(line);
    const taken = { starttlsPort: 0, tlsPort: sandbox.tlsPort, dir, username: USER, password: PASSWORD, log };
    await expect(startSandbox(taken)).rejects.toThrow(
      `127.0.0.1:${sandbox.tlsPort} as another program has it`,
    );
    expect(said).toEqual([]);
  });
});
