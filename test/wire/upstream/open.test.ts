import type { promises as dns } from "node:dns";
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import { afterEach, describe, expect, test, vi } from "vitest";
import { judge } from "../../../src/schedule/verdict.ts";
import { selfSigned } from "./certificates.ts";
import { expectToDeliver, failureToOpen, open, PASSWORD, trusted, tryOpen, upstream } from "./fixture.ts";
import { OFFER, type Script } from "./scripted.ts";

const PLAIN_TOKEN = Buffer.from(`\0${"6f1c2c1e"}\0${PASSWORD}`).toString("base64");

vi.mock("node:dns/promises", async (original) => {
  const real = await original<typeof dns>();
  return { ...real, lookup: vi.fn(real.lookup) };
});
const { lookup } = await import("node:dns/promises");
const resolveTo = (...addresses: string[]) =>
  vi
    .mocked(lookup)
    .mockResolvedValue(addresses.map((address) => ({ address, family: net.isIP(address) })) as never);

afterEach(() => vi.mocked(lookup).mockReset());

describe("a session that opens", () => {
  test.each(["starttls", "tls"] as const)(
    "speaks %s, authenticates and knows what is offered",
    async (security) => {
      resolveTo("127.0.0.1");
      const ehlo = [...OFFER.slice(0, -1), "250-LIMITS MAILMAX=20 RCPTMAX=30", "250 AUTH PLAIN LOGIN"];
      const up = await upstream({ security, script: { ehlo } });
      const session = await open(up, { security, host: "localhost" });
      const [peer] = up.peers;
      expect(session.upstream).toBe(`localhost[127.0.0.1]:${up.port}`);
      expect(session.ehlo).toEqual(ehlo.map((line) => line.slice(4)));
      expect(session.limits).toEqual({
        mailMax: 20,
        rcptMax: 30,
        sizeBytes: 50_000_000,
        eightBitMime: true,
        pipelining: true,
      });
      expect(session.tls).toMatch(/^TLSv1\.3 TLS_/);
      expect(session).toMatchObject({ mails: 0, usable: true });
      expect(peer?.said("EHLO")).toEqual(Array(security === "tls" ? 1 : 2).fill("EHLO app01.example.edu"));
      expect(peer?.said("AUTH")).toEqual([`AUTH PLAIN ${PLAIN_TOKEN}`]);
      expect(peer?.plain).not.toContain(PLAIN_TOKEN);
      await expectToDeliver(session);
      await session.quit();
      expect(peer?.said("QUIT")).toHaveLength(1);
      expect(session.usable).toBe(false);
    },
  );

  test("looks the name up once and tries its addresses in turn", async () => {
    const up = await upstream();
    resolveTo("127.0.0.9", "127.0.0.1");
    const session = await open(up, { host: "localhost" });
    expect(session.upstream).toBe(`localhost[127.0.0.1]:${up.port}`);
    expect(lookup).toHaveBeenCalledTimes(1);
  });

  test("goes on to the next address when one answers but cannot be used", async () => {
    resolveTo("127.0.0.1", "127.0.0.1");
    const up = await upstream({ script: (n) => (n === 0 ? { greeting: "421 4.3.2 too many" } : {}) });
    await expectToDeliver(await open(up, { host: "localhost" }));
    expect(up.peers).toHaveLength(2);
  });

  test("uses AUTH LOGIN where nothing else is offered", async () => {
    const answers = ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 2.7.0 welcome"];
    const auth: Script["auth"] = (peer) => peer.say(answers.shift() ?? "500");
    const up = await upstream({ script: { ehlo: ["250-scripted", "250 AUTH LOGIN"], auth } });
    await open(up);
    expect(up.peers[0]?.lines.slice(-2).map((line) => Buffer.from(line, "base64").toString())).toEqual([
      "6f1c2c1e",
      PASSWORD,
    ]);
  });

  test("keeps TLS 1.3 when ciphers are given for TLS 1.2, and uses them there", async () => {
    const ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
    const modern = await upstream({ security: "tls" });
    expect((await open(modern, { security: "tls", ciphers })).tls).toMatch(/^TLSv1\.3 /);
    const older = await upstream({ security: "tls", tls: { maxVersion: "TLSv1.2" } });
    expect((await open(older, { security: "tls", ciphers })).tls).toBe(`TLSv1.2 ${ciphers}`);
  });
});

describe("TLS that cannot be trusted is a failure at tls, and no AUTH byte is said", () => {
  const certificates = {
    "another name": () => trusted().issue({ names: ["elsewhere.example.edu"] }),
    "another address": () => trusted().issue({ names: ["localhost"], addresses: ["127.0.0.2"] }),
    "a self-signed certificate": () => selfSigned({ names: ["localhost"], addresses: ["127.0.0.1"] }),
    "an expired certificate": () => trusted().issue({ addresses: ["127.0.0.1"], validDays: -1 }),
  };
  test.each(Object.entries(certificates))("%s", async (_name, issue) => {
    for (const security of ["starttls", "tls"] as const) {
      const up = await upstream({ security, certificate: await issue() });
      const failure = await failureToOpen(up, { security });
      expect(failure.stage).toBe("tls");
      expect(failure.cause).toMatch(/ALTNAME|SELF_SIGNED|EXPIRED/);
      expect(judge(failure)).toMatchObject({ scope: "upstream", action: "defer" });
      expect(up.peers[0]?.said("AUTH") ?? []).toEqual([]);
      expect(up.peers[0]?.plain ?? "").not.toContain("AUTH");
    }
  });

  test("an environment that turns verification off changes nothing", async () => {
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    const up = await upstream({ certificate: await selfSigned({ addresses: ["127.0.0.1"] }) });
    expect((await failureToOpen(up)).stage).toBe("tls");
    vi.unstubAllEnvs();
  });

  test("a certificate of an authority that is not configured, and of one that is", async () => {
    const up = await upstream();
    const failure = await failureToOpen(up, { ca: tls.rootCertificates[0]! });
    expect(failure).toMatchObject({ stage: "tls", cause: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" });
    await open(up);
  });

  test.each(["TLSv1", "TLSv1.1"] as const)("%s", async (version) => {
    const old = { minVersion: version, maxVersion: version, ciphers: "DEFAULT@SECLEVEL=0" } as const;
    const up = await upstream({ security: "tls", tls: old });
    expect((await failureToOpen(up, { security: "tls" })).stage).toBe("tls");
    const willing = tls.connect({ ...old, port: up.port, host: "127.0.0.1", ca: trusted().ca });
    await once(willing, "secureConnect");
    expect(willing.getProtocol()).toBe(version);
    willing.destroy();
  });
});

describe("STARTTLS", () => {
  test("stripped from EHLO and refused is a failure at tls, nothing else is said", async () => {
    const up = await upstream({
      script: { plainEhlo: ["250-scripted", "250 AUTH PLAIN"], starttls: "502 5.5.1 what?" },
    });
    expect(await failureToOpen(up)).toMatchObject({ stage: "tls", reply: { code: 502 } });
    expect(up.peers[0]?.lines).toEqual(["EHLO app01.example.edu", "STARTTLS"]);
  });

  test("not possible for now is the upstream's fault, not the account's", async () => {
    const up = await upstream({ script: { starttls: "454 4.7.0 not now" } });
    const failure = await failureToOpen(up);
    expect(failure).toMatchObject({ stage: "tls", reply: { code: 454, enhanced: "4.7.0" } });
    expect(judge(failure).scope).toBe("upstream");
  });

  test("replies injected before the handshake are thrown away", async () => {
    const injected = ["220 go on", "250-injected", "250 AUTH LOGIN", "235 welcome"];
    const up = await upstream({ script: { starttls: injected } });
    const session = await open(up);
    expect(session.ehlo[0]).toBe("scripted");
    expect(up.peers[0]?.said("AUTH PLAIN")).toHaveLength(1);
    await expectToDeliver(session);
  });

  test("an EHLO reply given before TLS counts for nothing afterwards", async () => {
    const plainEhlo = ["250-scripted", "250-STARTTLS", "250-8BITMIME", "250 AUTH PLAIN"];
    const up = await upstream({ script: { plainEhlo, ehlo: ["250-scripted", "250 SIZE"] } });
    expect(await failureToOpen(up)).toMatchObject({ stage: "auth", cause: "NOAUTH" });
    expect(up.peers[0]?.said("AUTH")).toEqual([]);
  });
});

describe("what is refused while opening", () => {
  const refusals: [string, Script, { stage: string; code: number; scope: string }][] = [
    ["the greeting", { greeting: "554 5.3.2 no" }, { stage: "greeting", code: 554, scope: "upstream" }],
    [
      "the greeting, for now",
      { greeting: "421 4.3.2 busy" },
      { stage: "greeting", code: 421, scope: "upstream" },
    ],
    ["EHLO", { ehlo: "550 5.7.1 no" }, { stage: "ehlo", code: 550, scope: "upstream" }],
    ["EHLO before TLS", { plainEhlo: "502 5.5.1 no" }, { stage: "ehlo", code: 502, scope: "upstream" }],
    ["the credentials", { auth: "535 5.7.8 wrong" }, { stage: "auth", code: 535, scope: "account" }],
    ["their check, for now", { auth: "454 4.7.0 later" }, { stage: "auth", code: 454, scope: "account" }],
    ["anything more", { auth: "421 4.3.2 closing" }, { stage: "auth", code: 421, scope: "upstream" }],
  ];
  test.each(refusals)("%s", async (_name, script, { stage, code, scope }) => {
    const up = await upstream({ script });
    const failure = await failureToOpen(up);
    expect(failure).toMatchObject({ stage, reply: { code } });
    expect(judge(failure)).toMatchObject({ scope, action: "defer" });
    await vi.waitFor(() => expect(up.peers[0]?.closed).toBe(true));
  });

  test("AUTH that is not offered, or only with mechanisms we do not speak", async () => {
    for (const ehlo of ["250 scripted", ["250-scripted", "250 AUTH GSSAPI XOAUTH2"]]) {
      const up = await upstream({ script: { ehlo } });
      const failure = await failureToOpen(up);
      expect(failure).toMatchObject({ stage: "auth", cause: "NOAUTH" });
      expect(judge(failure)).toMatchObject({ scope: "account", action: "defer" });
      expect(up.peers[0]?.said("AUTH")).toEqual([]);
    }
  });

  test("another address is not asked to judge the same credential", async () => {
    resolveTo("127.0.0.1", "127.0.0.1");
    const up = await upstream({ script: { auth: "535 5.7.8 wrong" } });
    await failureToOpen(up, { host: "localhost" });
    expect(up.peers).toHaveLength(1);
  });

  test("a password that is echoed never gets into a text", async () => {
    const up = await upstream({
      script: { auth: (peer, line) => peer.say(`535-5.7.8 ${PASSWORD}?`, `535 5.7.8 ${line}?`) },
    });
    const text = JSON.stringify(await failureToOpen(up));
    expect(text).toContain("535-5.7.8 ****? / 535 5.7.8 AUTH PLAIN ****?");
    expect(text).not.toContain(PASSWORD);
    expect(text).not.toContain(PLAIN_TOKEN);
  });

  test("control characters and long texts are made harmless", async () => {
    const up = await upstream({ script: { greeting: `554 \x1b[2J\r${"x".repeat(2000)}` } });
    const { reply } = await failureToOpen(up);
    expect(reply?.text).toMatch(/^554 \\x1b\[2J\\x0dx+…$/);
    expect(reply?.text.length).toBeLessThanOrEqual(513);
  });
});

describe("a host that cannot be reached", () => {
  test("refuses connections: connect", async () => {
    const up = await upstream();
    await up.close();
    const failure = await failureToOpen(up);
    expect(failure).toMatchObject({ stage: "connect", cause: "ECONNREFUSED" });
  });

  test("has no address: dns", async () => {
    vi.mocked(lookup).mockRejectedValue(
      Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" }),
    );
    const failure = await failureToOpen({ port: 1 }, { host: "nowhere.example.edu" });
    expect(failure).toMatchObject({ stage: "dns", cause: "ENOTFOUND" });
    expect(judge(failure)).toMatchObject({ scope: "upstream", action: "defer" });
  });

  test("has a resolver that hangs: dns", async () => {
    vi.mocked(lookup).mockReturnValue(new Promise(() => {}) as never);
    const failure = await failureToOpen(
      { port: 1 },
      { host: "slow.example.edu", timeouts: { connectMs: 20 } },
    );
    expect(failure).toMatchObject({ stage: "dns", cause: "ETIMEDOUT" });
  });

  test("of several addresses, the failure that got furthest is told", async () => {
    resolveTo("127.0.0.1", "127.0.0.9");
    const up = await upstream({ script: { greeting: "554 no" } });
    expect(await failureToOpen(up, { host: "localhost" })).toMatchObject({
      stage: "greeting",
      reply: { code: 554 },
    });
  });
});

test("an opening that is stopped leaves nothing behind", async () => {
  const stop = new AbortController();
  const up = await upstream({ script: { auth: () => stop.abort() } });
  const opened = await tryOpen(up, {}, stop.signal);
  expect(opened).toMatchObject({ ok: false, failure: { stage: "auth", cause: "ABORTED" } });
  await vi.waitFor(() => expect(up.peers[0]?.closed).toBe(true));
});
