/**
 * The fault table, the upstream: whatever goes wrong there, the right thing is blamed, nothing bounces, a bounded number
 * of connections is made, and mail goes out within a probe of the cure. What each stage does to one session is in
 * test/wire/upstream (refuses, hangs, drips, resets, TLS of every wrong kind); replies to recipients and messages are
 * in verdicts.test.ts and breakers.test.ts.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const BACKLOG = 10;
/** About the first wait of the upstream's breaker, so that a probe may fall into it; an account's is a minute. */
const WATCH_MS = 4000;
/** As many may be opening when the first one fails: `upstream.sessions`. */
const SESSIONS = 4;
const QUICK = "retry: { first: 1s, max: 2s, expireAfter: 4d }";

const named = (n: number) => ({ data: `Subject: m${n}\r\n\r\nbody\r\n` });
const wanted = (count: number) => Array.from({ length: count }, (_, n) => `m${n}`).sort();
const subjects = (relay: Relay) => relay.arrived.map(({ subject }) => subject).sort();

async function submitMany(relay: Relay, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) expect((await submit(relay.port, named(n))).code).toBe(250);
}

/** Rule, who is to blame, and what the breaker's reason says. */
const OPENINGS: [string, "upstream" | "account", RegExp][] = [
  ["connect=drop", "upstream", /while (waiting for its greeting|connecting)/],
  ["greeting=drop", "upstream", /while waiting for its greeting/],
  ["greeting=421 4.3.2 not now", "upstream", /421 4\.3\.2/],
  ["greeting=554 5.3.2 not you", "upstream", /554 5\.3\.2/],
  ["ehlo=drop", "upstream", /EHLO/],
  ["starttls=454 4.7.0 not now", "upstream", /454 4\.7\.0/],
  ["starttls=strip", "upstream", /STARTTLS|TLS/],
  ["tls=drop", "upstream", /while setting up TLS/],
  ["auth=421 4.3.2 closing", "upstream", /421 4\.3\.2/],
  ["auth=drop", "upstream", /while authenticating/],
  ["auth=454 4.7.0 later", "account", /454 4\.7\.0/],
  ["auth=535 5.7.8 wrong", "account", /535 5\.7\.8/],
  ["auth=strip", "account", /AUTH/],
];

/** The first message of a session gets no further than this: the upstream is stopped as if it had not opened. */
const FIRST_IN_SESSION: [string, RegExp][] = [
  ["mail=drop", /MAIL/],
  ["mail=421 4.3.2 closing", /421 4\.3\.2/],
  ["rcpt=drop", /RCPT/],
  ["data=drop", /DATA/],
  ["body=drop", /sending the message|its reply to the final dot/], // it may all be on its way by then
];

interface Watched {
  readonly rule: string;
  readonly blamed: "upstream" | "account";
  readonly reason: RegExp;
  /** Connections while it is watched. */
  readonly most: number;
}

/** A relay with a backlog whose upstream goes wrong, watched for a while; ends with everything delivered. */
async function watched({ rule, blamed, reason, most }: Watched): Promise<void> {
  const relay = await Relay.start({ config: QUICK, fail: [rule] });
  await submitMany(relay, 0, BACKLOG);
  const opened = await until(`a breaker opened for ${rule}`, () => relay.events("breaker-opened")[0]);
  await sleep(WATCH_MS); // what is measured: how often it is tried in that time
  const found = {
    rule,
    blamed: opened.breaker,
    reason: reason.test(String(opened.reason)) ? "as told" : opened.reason,
    connections: relay.sandbox.sessions.length <= most ? "few" : relay.sandbox.sessions.length,
    arrived: relay.arrived.length,
    givenUp: relay.events("bounced").length + relay.events("expired").length,
  };
  expect(found).toEqual({ rule, blamed, reason: "as told", connections: "few", arrived: 0, givenUp: 0 });
  relay.setFaults();
  if (blamed === "account") return relay.close(); // its probe is a minute away: breakers.test.ts waits for it
  await until(`everything arrived after ${rule}`, () => relay.arrived.length >= BACKLOG, 30_000);
  expect(subjects(relay)).toEqual(wanted(BACKLOG));
  await relay.close();
}

/** So many processes at once, not more. */
async function inGroups<T>(all: readonly T[], size: number, work: (one: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += size) await Promise.all(all.slice(at, at + size).map(work));
}

test("whatever fails before a session is open blames upstream or account, costs a few connections, and heals", () =>
  inGroups(OPENINGS, 7, ([rule, blamed, reason]) =>
    watched({ rule, blamed, reason, most: blamed === "account" ? 1 : 2 }),
  ));

test("an upstream that drops the first message of each session is left alone like one that is down", () =>
  inGroups(FIRST_IN_SESSION, 7, ([rule, reason]) =>
    watched({ rule, blamed: "upstream", reason, most: SESSIONS + 1 }),
  ));

test("421 at the Nth message of a session ends that session only, and every message arrives once", async () => {
  const relay = await Relay.prepare({ fail: ["connect=drop"] }); // so that all of them wait for one session
  const { starttlsPort } = relay.sandbox;
  await relay.configure({
    upstream: `upstream: { hosts: [localhost], port: ${starttlsPort}, security: starttls, caFile: sandbox/ca.pem, sessions: 1 }`,
  });
  await relay.up();
  await submitMany(relay, 0, 25);
  relay.setFaults("mail%4=421 4.3.2 enough for one session");
  await until("all arrived", () => relay.arrived.length >= 25, 60_000);
  expect(subjects(relay)).toEqual(wanted(25));
  expect(relay.sandbox.sessions.length).toBeGreaterThan(4);
  expect(relay.events("breaker-opened")).toHaveLength(1); // of the drop
  expect(relay.events("bounced")).toEqual([]);
});

/** Something at the simulator's port on another address of this machine, as the first of two hosts. */
async function firstHost(port: number, server: Server): Promise<{ readonly asked: () => number }> {
  let asked = 0;
  server.on("connection", (socket) => {
    asked++;
    socket.on("error", () => {});
  });
  server.listen(port, "127.0.0.2");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { asked: () => asked };
}

const DEAD_HOSTS: [string, () => Server | undefined][] = [
  ["refuses connections", () => undefined],
  ["closes before its greeting", () => createServer((socket) => socket.destroy())],
  ["says 421", () => createServer((socket) => socket.end("421 4.3.2 not now\r\n"))],
];

test.each(DEAD_HOSTS)(
  "when the first host %s the second one has the mail, and the first is not asked each time",
  async (_name, makeServer) => {
    const relay = await Relay.prepare();
    const port = relay.sandbox.starttlsPort;
    const server = makeServer();
    const first = server && (await firstHost(port, server));
    await relay.configure({
      upstream: `upstream: { hosts: [127.0.0.2, 127.0.0.1], port: ${port}, security: starttls, caFile: sandbox/ca.pem, messagesPerSession: 1 }`,
    });
    await relay.up();
    await submitMany(relay, 0, 5);
    await until("all arrived", () => relay.arrived.length >= 5);
    expect(subjects(relay)).toEqual(wanted(5));
    expect(relay.sandbox.sessions.length).toBeGreaterThanOrEqual(5);
    if (first) expect(first.asked()).toBe(1);
    expect(relay.events("breaker-opened")).toEqual([]);
  },
);
