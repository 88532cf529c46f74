/**
 * The fault table, names: DNS that is gone delays mail, and a name is looked up anew for each connection, so that one
 * that means another address tomorrow needs no restart. One lookup for each opening, and what it says while it hangs,
 * are in test/wire/upstream/open.test.ts.
 */
import { expect, test } from "vitest";
import { changeableNames } from "../support/machine-faults.ts";
import { startProxy } from "../support/proxy.ts";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const named = (subject: string) => ({ data: `Subject: ${subject}\r\n\r\nbody\r\n` });
const subjects = (relay: Relay) => relay.arrived.map(({ subject }) => subject);

/** A session for each message, to a name that the test can change. */
async function relayTo(names: Awaited<ReturnType<typeof changeableNames>>): Promise<Relay> {
  const relay = await Relay.prepare(names.hook);
  await relay.configure({
    upstream: `upstream: { hosts: [localhost], port: ${relay.sandbox.starttlsPort}, security: starttls, caFile: sandbox/ca.pem, messagesPerSession: 1 }`,
  });
  await relay.up();
  return relay;
}

test("while DNS is gone mail is taken, nothing bounces, few lookups are made, and mail goes out when it is back", async () => {
  const names = await changeableNames("localhost EAI_AGAIN");
  const relay = await relayTo(names);
  for (const subject of ["a", "b", "c"]) expect((await submit(relay.port, named(subject))).code).toBe(250);
  const opened = await until("the breaker opened", () => relay.events("breaker-opened")[0]);
  expect(opened).toMatchObject({ breaker: "upstream", reason: expect.stringContaining("EAI_AGAIN") });
  names.set("localhost 127.0.0.1");
  await until("all arrived", () => relay.arrived.length === 3, 30_000);
  expect((await names.seen()).filter((line) => line.endsWith("EAI_AGAIN"))).toHaveLength(1);
  expect(subjects(relay).sort()).toEqual(["a", "b", "c"]);
  expect([...relay.events("bounced"), ...relay.events("expired")]).toEqual([]);
});

test("a name that means another address is followed at the next connection, without a restart", async () => {
  const names = await changeableNames("localhost 127.0.0.1");
  const relay = await relayTo(names);
  const port = relay.sandbox.starttlsPort;
  const elsewhere = await startProxy({ host: "127.0.0.1", port }, { host: "127.0.0.2", port });
  await submit(relay.port, named("at the old address"));
  await until("it arrived", () => relay.arrived.length === 1);
  expect(elsewhere.connections).toBe(0);
  names.set("localhost 127.0.0.2");
  await submit(relay.port, named("at the new one"));
  await until("it arrived", () => relay.arrived.length === 2);
  expect(elsewhere.connections).toBe(1);
  expect(relay.sandbox.sessions).toHaveLength(2);
  expect(await names.seen()).toEqual(["localhost 127.0.0.1", "localhost 127.0.0.2"]);
});
