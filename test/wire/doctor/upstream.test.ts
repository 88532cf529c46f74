/**
 * What doctor tells of an upstream, by speaking to real ones: one that is well, and one for each way to be wrong.
 * In all of it: no MAIL, no password in a finding, at most one AUTH for an account.
 */
import { createServer } from "node:net";
import type tls from "node:tls";
import { expect, test } from "vitest";
import { makeSecret } from "../../../src/config/secrets.ts";
import type { Finding } from "../../../src/doctor/finding.ts";
import type { Patient, Target } from "../../../src/doctor/patient.ts";
import { systemPorts } from "../../../src/doctor/ports.ts";
import { upstreamFindings } from "../../../src/doctor/upstream.ts";
import { patientWith } from "../../unit/doctor/patients.ts";
import { selfSigned } from "../upstream/certificates.ts";
import { PASSWORD, trusted, upstream } from "../upstream/fixture.ts";
import { OFFER, type Upstream } from "../upstream/scripted.ts";

/** Examines what listens on 127.0.0.1, known as `host`, with one account. */
async function examine(
  port: number,
  target: Partial<Target> = {},
  changes: Partial<Patient> = {},
): Promise<Finding[]> {
  const patient = patientWith();
  const host = target.hosts?.[0] ?? "localhost";
  const ports = systemPorts(async () => ({ agent: "not running" }));
  const to: Target = {
    hosts: [host],
    port,
    otherDoors: [],
    security: "starttls",
    ca: trusted().ca,
    hostname: "app01.example.edu",
  };
  const accounts = patient.accounts.map((account) => ({ ...account, password: makeSecret(PASSWORD) }));
  const { preset: _, ...known } = patient;
  return upstreamFindings(
    { ...known, accounts, target: { ...to, ...target }, ...changes },
    { ...ports, lookup: async () => ({ ok: true, addresses: ["127.0.0.1"] }) },
  );
}

const line = (findings: readonly Finding[], check: Finding["check"]) => {
  const found = findings.filter((one) => one.check === check);
  expect(found).toHaveLength(1);
  return found[0]!;
};

/** Nothing was said that should not be: checked against everything the upstream heard. */
function expectDiscreet({ peers }: Upstream, findings: readonly Finding[], auths: number): void {
  expect(peers.flatMap((peer) => peer.said("MAIL"))).toEqual([]);
  expect(peers.flatMap((peer) => peer.said("AUTH"))).toHaveLength(auths);
  expect(peers.map(({ plain }) => plain).join("")).not.toContain("AUTH");
  const base64 = Buffer.from(`\0${"6f1c2c1e"}\0${PASSWORD}`).toString("base64");
  for (const secret of [PASSWORD, base64]) expect(JSON.stringify(findings)).not.toContain(secret);
}

test.each(["starttls", "tls"] as const)("an upstream that is well, by %s", async (security) => {
  const up = await upstream({ security });
  const findings = await examine(up.port, { security });
  expect(line(findings, "tls")).toMatchObject({
    status: "ok",
    found: expect.stringMatching(/^TLSv1.3 with TLS_/),
  });
  // the certificate of the tests ends within a day
  expect(line(findings, "certificate")).toMatchObject({
    status: "warn",
    found: expect.stringMatching(/^from Authority of a test for localhost, 127.0.0.1, ends in 0 days$/),
  });
  expect(line(findings, "ehlo")).toMatchObject({
    status: "ok",
    found: "SIZE 50000000; no MAILMAX announced, so 100 messages a session; AUTH PLAIN LOGIN",
  });
  expect(line(findings, "auth")).toMatchObject({ status: "ok", subject: "portal", remedy: null });
  expect(line(findings, "egress")).toMatchObject({ status: "unknown", subject: "127.0.0.1" });
  expect(findings.filter(({ status }) => status === "failed")).toEqual([]);
  expectDiscreet(up, findings, 1);
});

test("a wrong password is told in the upstream's own words, after one AUTH", async () => {
  const auth = "535 5.7.8 Authentication credentials invalid [open sesame]";
  const up = await upstream({ script: { auth } });
  const findings = await examine(up.port);
  expect(line(findings, "auth")).toMatchObject({
    status: "failed",
    found: expect.stringContaining("answered AUTH with: 535 5.7.8 Authentication credentials invalid [****]"),
    remedy: expect.stringMatching(/^compare accounts\[0\].username and the password in \/.*\/password with/),
  });
  expectDiscreet(up, findings, 1);
});

test("an AUTH that is put off is no word about the credential", async () => {
  const up = await upstream({ script: { auth: "454 4.7.0 Temporary authentication failure" } });
  expect(line(await examine(up.port), "auth").status).not.toBe("ok");
});

test("AUTH that is not offered", async () => {
  const up = await upstream({ script: { ehlo: ["250-scripted", "250 SIZE 50000000"] } });
  const findings = await examine(up.port);
  expect(line(findings, "auth")).toMatchObject({
    status: "failed",
    found: expect.stringContaining("it offers no AUTH"),
  });
  expectDiscreet(up, findings, 0);
});

const AN_HOST = "mail.example.edu";
test.each([
  [
    "the wrong name",
    async () => trusted().issue({ names: ["elsewhere.example.edu"] }),
    /^it has the wrong name: from Authority of a test for elsewhere.example.edu, not for mail.example.edu$/,
  ],
  [
    "a time that is over",
    async () => trusted().issue({ names: [AN_HOST], validDays: -2 }),
    /^it ended [23] days ago by this clock: from Authority of a test for mail/,
  ],
  [
    "nobody but itself to vouch for it",
    async () => selfSigned({ names: [AN_HOST] }),
    /^nothing here vouches for it \(DEPTH_ZERO_SELF_SIGNED_CERT\): from mail.example.edu/,
  ],
] as const)("a certificate with %s, by STARTTLS and by TLS", async (_, issue, said) => {
  for (const security of ["starttls", "tls"] as const) {
    const up = await upstream({ security, certificate: await issue() });
    const findings = await examine(up.port, { hosts: [AN_HOST], security });
    expect(line(findings, "certificate")).toMatchObject({
      status: "failed",
      found: expect.stringMatching(said),
    });
    expect(line(findings, "tls").status).toBe("ok");
    expect(line(findings, "auth")).toMatchObject({
      status: "unknown",
      found: expect.stringMatching(/^not asked/),
    });
    expectDiscreet(up, findings, 0);
  }
});

test("a certificate of an authority that is not known here, and of one whose file this user may not read", async () => {
  const { ca: _, ...unknown } = { ca: "", hosts: ["localhost"] };
  const up = await upstream();
  const other = { ca: (await selfSigned({ names: ["other"] })).cert };
  const failed = line(await examine(up.port, { ...unknown, ...other }), "certificate");
  expect(failed).toMatchObject({ status: "failed", remedy: expect.stringContaining("upstream.caFile") });
  const denied = line(await examine(up.port, { ...unknown, ...other, caDenied: true }), "certificate");
  expect(denied.status).toBe("unknown");
});

const OLD: tls.TlsOptions = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" };

test.each(["starttls", "tls"] as const)(
  "an upstream that speaks TLS 1.1 and nothing newer is told as that, by %s",
  async (security) => {
    const up = await upstream({ security, tls: OLD });
    const findings = await examine(up.port, { security });
    expect(line(findings, "tls")).toMatchObject({
      status: "failed",
      found: "it speaks TLSv1.1 and nothing newer; TLS 1.2 is the least that mail goes out with",
    });
    expectDiscreet(up, findings, 0);
  },
);

test("no cipher in common is told with the one that it would take", async () => {
  const up = await upstream({ security: "tls", tls: { maxVersion: "TLSv1.2" } });
  const findings = await examine(up.port, { security: "tls", ciphers: "ECDHE-RSA-AES256-GCM-SHA384" });
  expect(line(findings, "tls")).toMatchObject({
    status: "failed",
    found: expect.stringMatching(/it would take TLSv1.2 with ECDHE-ECDSA-/),
    remedy: "leave upstream.ciphers out, or add that one",
  });
});

test("STARTTLS that is not offered", async () => {
  const up = await upstream({
    script: { plainEhlo: ["250-scripted", "250 AUTH PLAIN"], starttls: "502 5.5.1 what?" },
  });
  const findings = await examine(up.port);
  expect(line(findings, "tls")).toMatchObject({
    status: "failed",
    found: "STARTTLS is not to be had: 502 5.5.1 what?",
  });
  expectDiscreet(up, findings, 0);
});

test("a port for the other kind of TLS is told with the key to change", async () => {
  const plain = await upstream();
  const remedy = expect.stringContaining("upstream.security: starttls");
  expect(line(await examine(plain.port, { security: "tls" }), "tls")).toMatchObject({
    status: "failed",
    remedy,
  });
});

test("limits that do not fit ours", async () => {
  const ehlo = ["250-scripted", "250-SIZE 1000000", "250-LIMITS MAILMAX=20", "250 AUTH PLAIN"];
  const up = await upstream({ script: { ehlo } });
  const found = (await examine(up.port)).filter(({ check }) => check === "ehlo");
  expect(found.map(({ status, remedy }) => `${status} ${remedy}`)).toEqual([
    "failed set limits.messageSize: 1000001",
    expect.stringMatching(/^warn ask the relay service for 8BITMIME/),
    "ok null",
  ]);
  expect(found[2]?.found).toContain("MAILMAX 20, so 20 messages a session");
});

test("no SIZE is a limit that cannot be told from here", async () => {
  const up = await upstream({ script: { ehlo: OFFER.filter((one) => !one.includes("SIZE")) } });
  const [first] = (await examine(up.port)).filter(({ check }) => check === "ehlo");
  expect(first).toMatchObject({ status: "unknown", remedy: expect.stringContaining("limits.messageSize") });
});

test("a port on which nothing listens, and one that takes the connection and says nothing", async () => {
  const silent = createServer();
  await new Promise<void>((listening) => silent.listen(0, "127.0.0.1", listening));
  const { port } = silent.address() as { port: number };
  const mute = await examine(port);
  expect(line(mute, "tls")).toMatchObject({
    status: "failed",
    found: expect.stringContaining("while waiting for its greeting"),
  });
  await new Promise((closed) => silent.close(closed));
  const closed = await examine(port);
  const [configured] = closed.filter(({ check }) => check === "port");
  expect(configured).toMatchObject({ status: "failed", found: "blocked: the connection is refused" });
  expect(line(closed, "auth").status).toBe("unknown");
});

test("behind a port that is blocked, the rest is looked at by another one that is open", async () => {
  const blocked = createServer();
  await new Promise<void>((listening) => blocked.listen(0, "127.0.0.1", listening));
  const { port } = blocked.address() as { port: number };
  await new Promise((closed) => blocked.close(closed));
  const up = await upstream({ security: "tls", script: { auth: "535 5.7.8 no" } });
  const findings = await examine(port, { otherDoors: [{ port: up.port, security: "tls" }] });
  const [configured, other] = findings.filter(({ check }) => check === "port");
  expect(configured).toMatchObject({
    status: "failed",
    subject: `localhost:${port}`,
    remedy: `${up.port} is open: set upstream.port: ${up.port} and upstream.security: tls`,
  });
  expect(other).toMatchObject({ status: "ok", found: "open, not used" });
  expect(line(findings, "tls")).toMatchObject({ status: "ok", subject: `localhost:${up.port}` });
  expect(line(findings, "auth")).toMatchObject({
    status: "failed",
    found: expect.stringContaining("535 5.7.8 no"),
  });
  expectDiscreet(up, findings, 1);
});

test("each account says AUTH once, and what one is told is not said of another", async () => {
  const bad = Buffer.from("\0bad\0open sesame").toString("base64");
  const up = await upstream({
    script: {
      auth: (peer, said) => peer.say(said.endsWith(bad) ? "535 5.7.8 no" : "235 2.7.0 welcome"),
    },
  });
  const [account] = patientWith().accounts;
  const named = (name: string) => ({ ...account!, name, username: name, password: makeSecret(PASSWORD) });
  const accounts = [...["one", "bad", "two"].map(named), { ...account!, name: "unread", username: "unread" }];
  const { password: _, ...unread } = accounts[3]!;
  const findings = await examine(up.port, {}, { accounts: [...accounts.slice(0, 3), unread] });
  const told = findings.filter(({ check }) => check === "auth");
  expect(told.map(({ subject, status }) => `${subject} ${status}`)).toEqual([
    "one ok",
    "bad failed",
    "two ok",
    "unread unknown",
  ]);
  expectDiscreet(up, findings, 3);
});

test("an upstream that the config does not name is unknown, not fine", async () => {
  const { target: _, ...patient } = patientWith();
  const findings = await upstreamFindings(
    patient,
    systemPorts(async () => ({ agent: "not running" })),
  );
  expect(new Set(findings.map(({ status }) => status))).toEqual(new Set(["unknown"]));
});
