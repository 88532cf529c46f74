import { expect, test } from "vitest";
import { Relay } from "../support/relay.ts";
import { SmtpClient, submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const CATCH_ALL = "senders: { rewrite: [{ match: '*@app01.lab.example', to: app@lab.example }] }";

test("a message from an old program arrives over TLS with AUTH, its sender rewritten and told why", async () => {
  const relay = await Relay.start({ config: CATCH_ALL });
  const { code, id } = await submit(relay.port, { from: "root", data: "Subject: hi\n\nhello\n" });
  expect(code).toBe(250);
  const arrived = await until("it arrived", () => relay.arrived[0]);
  expect(arrived).toMatchObject({
    sender: "app@lab.example",
    headerFrom: "app@lab.example",
    recipients: ["bob@example.org"],
  });
  expect(relay.sandbox.sessions[0]).toMatchObject({ authenticated: true });
  expect(relay.sandbox.sessions[0]?.tls).toMatch(/^TLSv1\.[23]/);
  const raw = (await relay.arrivedRaw(0)).toString();
  expect(raw).toMatch(/^Received: /);
  expect(raw).toContain("\r\n\r\nhello\r\n");
  await until("its end is told", () => relay.events("delivered").length > 0);
  expect(relay.events("accepted")[0]).toMatchObject({ id, account: "portal", rule: "senders.rewrite[0]" });
  expect(relay.events("delivered")[0]).toMatchObject({
    id,
    recipients: ["bob@example.org"],
    reply: { code: 250 },
  });
});

test("implicit TLS works too, and nothing is left in the queue", async () => {
  const relay = await Relay.prepare();
  await relay.configure({
    upstream: `upstream: { hosts: [localhost], port: ${relay.sandbox.tlsPort}, security: tls, caFile: sandbox/ca.pem }`,
  });
  await relay.up();
  await submit(relay.port);
  await until("it arrived", () => relay.arrived.length === 1);
  await until(
    "the queue is empty",
    async () => (await relay.command("queue", "--json")).stdout.trim() === "[]",
  );
  expect(await relay.down()).toBe(0);
});

test("250 messages go through at least 3 sessions, none with more than 100 MAIL", async () => {
  const relay = await Relay.start();
  const client = await SmtpClient.connect(relay.port);
  await client.say("EHLO test");
  for (let n = 0; n < 250; n++)
    expect((await client.send({ data: `Subject: ${n}\r\n\r\n${n}\r\n` })).code).toBe(250);
  client.quit();
  await until("all arrived", () => relay.arrived.length === 250, 60_000);
  expect(new Set(relay.arrived.map(({ subject }) => subject)).size).toBe(250);
  const mails = relay.sandbox.sessions.map((session) => session.mails);
  expect(mails.filter((count) => count > 0).length).toBeGreaterThanOrEqual(3);
  expect(Math.max(...mails)).toBeLessThanOrEqual(100);
  await until("every one is told", () => relay.events("delivered").length === 250);
  await relay.down();
  await until("QUIT was said", () => relay.sandbox.sessions.every(({ quit }) => quit));
});

test("a message to 250 recipients goes out in transactions of at most 100", async () => {
  const relay = await Relay.start();
  const to = Array.from({ length: 250 }, (_, n) => `user${n}@example.org`);
  expect((await submit(relay.port, { to })).code).toBe(250);
  await until("all arrived", () => relay.arrived.flatMap(({ recipients }) => recipients).length === 250);
  expect(relay.arrived.map(({ recipients }) => recipients.length).sort()).toEqual([100, 100, 50].sort());
  expect(new Set(relay.arrived.flatMap(({ recipients }) => recipients))).toEqual(new Set(to));
  await until(
    "the queue is empty",
    async () => (await relay.command("queue", "--json")).stdout.trim() === "[]",
  );
});

test("a message just below 5 MB arrives intact, one byte more and it is refused with both sizes", async () => {
  const relay = await Relay.start();
  const probe = "Subject: size\r\n\r\n";
  await submit(relay.port, { data: `${probe}x\r\n` });
  await until("the probe arrived", () => relay.arrived.length === 1);
  const added = (relay.arrived[0]?.sizeBytes ?? 0) - Buffer.byteLength(`${probe}x\r\n`);
  const fill = (outgoing: number) => {
    const body = Buffer.alloc(
      outgoing - added - Buffer.byteLength(probe) - 2,
      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789\r\n",
    );
    if (body.at(-1) === 13) body[body.length - 1] = 120; // no CR without its LF at the end
    return Buffer.concat([Buffer.from(probe), body, Buffer.from("\r\n")]);
  };
  const refused = await submit(relay.port, { data: fill(5_000_000) });
  expect(refused.text).toMatch(/^552 5\.3\.4 .*5000000.*/);
  const fitting = fill(4_999_999);
  expect((await submit(relay.port, { data: fitting })).code).toBe(250);
  await until("it arrived", () => relay.arrived.length === 2);
  const raw = await relay.arrivedRaw(1);
  expect(raw.length).toBe(4_999_999);
  expect(raw.subarray(raw.indexOf("\r\n\r\n")).equals(fitting.subarray(fitting.indexOf("\r\n\r\n")))).toBe(
    true,
  );
});

test("of 250 recipients one that is greylisted delays nobody else, and is not hurried itself", async () => {
  const relay = await Relay.start({
    config: "retry: { first: 1h, max: 1h, expireAfter: 4d }",
    fail: ["rcpt:r1@example.org=451 4.7.1 greylisted"],
  });
  const to = Array.from({ length: 250 }, (_, n) => `r${n}@example.org`);
  await submit(relay.port, { to });
  const reached = () => relay.arrived.flatMap(({ recipients }) => recipients);
  await until("all others have it", () => reached().length === 249);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(relay.events("deferred")).toMatchObject([{ recipients: ["r1@example.org"] }]);
  expect(new Set(reached()).size).toBe(249);
});

test("a session that waits long for the answer to its message holds up no other message", async () => {
  const relay = await Relay.start({ config: "stopTimeout: 1s", fail: ["dot#1=delay 1m"] });
  await submit(relay.port);
  await until("the first is at its dot", () => relay.arrived.length === 1);
  const { id } = await submit(relay.port);
  const delivered = () => relay.events("delivered").find((line) => line.id === id);
  await until("the second is delivered", delivered, 10_000);
  expect(relay.events("delivered")).toHaveLength(1);
});
