/** An upstream that takes one message and always drops the connection before its reply. */
import { expect, test } from "vitest";
import { Relay } from "../support/relay.ts";
import { SmtpClient, submit } from "../support/smtp-client.ts";

test("a message that is in doubt waits for its retry time like any other failure", async () => {
  const relay = await Relay.prepare({ fail: ["dot:poison@example.org=drop"] });
  const { starttlsPort } = relay.sandbox;
  await relay.configure({
    upstream: `upstream: { hosts: [localhost], port: ${starttlsPort}, security: starttls, caFile: sandbox/ca.pem, sessions: 1 }`,
  });
  await relay.up();
  const client = await SmtpClient.connect(relay.port);
  await client.say("EHLO test");
  const end = Date.now() + 20_000;
  await client.send({ data: "Subject: good\r\n\r\nx\r\n" });
  await submit(relay.port, { to: "poison@example.org", data: "Subject: poison\r\n\r\nx\r\n" });
  while (Date.now() < end) {
    await client.send({ data: "Subject: good\r\n\r\nx\r\n" });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  client.quit();
  const copies = relay.arrived.filter(({ subject }) => subject === "poison").length;
  console.log(`copies ${copies}, sessions ${relay.sandbox.sessions.length}`);
  expect(copies).toBeLessThanOrEqual(2); // retry.first is a minute
});
