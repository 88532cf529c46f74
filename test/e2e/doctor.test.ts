/** `sluice doctor` and `sluice send-test` as an admin calls them: the real program, Redis and upstream. */

import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Finding } from "../../src/doctor/finding.ts";
import { changeableNames } from "../support/machine-faults.ts";
import { Relay } from "../support/relay.ts";
import { PASSWORD } from "../support/relay-process.ts";

const SPF = [
  "TXT lab.example v=spf1 include:_spf.wiscmail.wisc.edu -all",
  "TXT _spf.wiscmail.wisc.edu v=spf1 -all",
];

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

/** A relay whose agent and commands know these names, with the service's preset in front of the simulator. */
async function prepared(names: readonly string[], hosts = "localhost") {
  const known = await changeableNames(...names);
  const relay = await Relay.prepare({
    env: {
      ...known.hook.env,
      NODE_OPTIONS: known.hook.nodeOptions.join(" "),
      SLUICE_LISTEN: `127.0.0.1:${await freePort()}`,
    },
  });
  await relay.configure({
    upstream: `upstream: { service: proofpoint-ser, hosts: [${hosts}], port: ${relay.sandbox.starttlsPort}, security: starttls, caFile: sandbox/ca.pem }`,
  });
  return relay;
}

test("a new admin with a wrong password, a blocked port and no SPF record finds all three from one run", async () => {
  const relay = await prepared(["blocked.example 127.0.0.9"], "blocked.example, localhost");
  await writeFile(join(relay.folder, "password"), "not the one\n");
  const { code, stdout, stderr } = await relay.command("doctor");
  expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
  const failed = stdout.split("\n").filter((line) => line.startsWith("FAILED"));
  expect(failed).toEqual([
    expect.stringMatching(
      /port +blocked.example:\d+: blocked: the connection is refused; ask whoever runs the firewall to let this host out/,
    ),
    expect.stringMatching(
      /auth +portal: .*answered AUTH with: 535 5.7.8 .*; compare accounts\[0\].username and the password in/,
    ),
    expect.stringMatching(
      /spf +lab.example: no SPF record; ask whoever runs DNS of lab.example for a TXT record "v=spf1 include:/,
    ),
    expect.stringMatching(
      /agent +\S+: it is not running: no mail is taken or delivered; start it: systemctl start sluice/,
    ),
  ]);
  expect(stdout).not.toContain("not the one");
  expect(relay.sandbox.sessions.map(({ mails }) => mails)).not.toContain(1);
});

test("a relay that is well exits 0, its test message is followed to the upstream's words, and each trouble is told", async () => {
  const relay = await prepared(SPF);
  const none = await relay.command("send-test", "--to", "dean@example.org");
  expect(none).toMatchObject({ code: 69, stderr: expect.stringContaining("as the agent is not running") });
  await relay.up();

  const { code, stdout } = await relay.command("doctor", "--json");
  const findings: Finding[] = JSON.parse(stdout);
  expect({ code, failed: findings.filter(({ status }) => status === "failed") }).toEqual({
    code: 0,
    failed: [],
  });
  const well = findings.filter(({ status }) => status === "ok").map(({ check }) => check);
  for (const check of [
    "config",
    "password",
    "spool",
    "redis",
    "dns",
    "port",
    "tls",
    "certificate",
    "ehlo",
    "auth",
    "spf",
    "agent",
    "listen",
    "flow",
    "queue",
  ])
    expect(well).toContain(check);
  expect(findings.every(({ status, remedy }) => (status === "ok") === (remedy === null))).toBe(true);
  expect(stdout).not.toContain(PASSWORD);
  expect(relay.sandbox.sessions.every(({ mails }) => mails === 0)).toBe(true);

  const sent = await relay.command("send-test", "--to", "dean@example.org");
  expect(sent).toMatchObject({ code: 0, stderr: "" });
  expect(sent.stdout).toMatch(
    /accepted +as \w+, for dean@example.org\n.* rule +goes out with From app@lab.example, envelope app@lab.example \(accounts\[0\]\.senders\[0\]\)\n.* delivered +localhost\[127.0.0.1\]:\d+ said: 250 2.0.0 /,
  );
  expect(relay.arrived[0]).toMatchObject({
    subject: expect.stringContaining("Test message of sluice on app01.lab.example"),
  });

  const refused = await relay.command(
    "send-test",
    "--to",
    "dean@example.org",
    "--from",
    "root@nowhere.example",
    "--json",
  );
  expect(refused.code).toBe(1);
  expect(JSON.parse(refused.stdout)).toMatchObject({
    id: null,
    outcome: "refused",
    steps: [
      { step: "rejected", text: expect.stringMatching(/^550 5.7.1 .*root@nowhere.example is not allowed/) },
    ],
  });

  relay.setFaults(
    "rcpt:gone@example.org=550 5.1.1 no such user",
    "rcpt:dean@example.org=451 4.7.1 try later",
  );
  const bounced = await relay.command("send-test", "--to", "gone@example.org");
  expect(bounced).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/bounced +.*550 5.1.1 no such user/),
  });

  const late = await relay.command("send-test", "--to", "dean@example.org", "--timeout", "2s");
  expect(late.code).toBe(75);
  expect(late.stdout).toMatch(/deferred +.*451 4.7.1 try later.*; next attempt at /);
  expect(late.stderr).toMatch(
    /^Not delivered within 2s: it stays in the queue, see sluice queue show \w+\n$/,
  );
});
