/** P3: each repeat after kill -9 comes from an attempt in doubt, and is logged. */
import { expect, test } from "vitest";
import { Relay } from "../support/relay.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

test("a message sent again after kill -9 between the upstream's 250 and our record is logged as in doubt", async () => {
  const relay = await Relay.start({ fail: ["dot#1=delay 5s"] });
  const { id } = await submit(relay.port);
  await until("the upstream has it", () => relay.arrived.length === 1);
  await relay.kill("agent");
  relay.setFaults();
  const seen = relay.log.length;
  await relay.up();
  await until("the repeat", () => relay.arrived.length === 2);
  await until("it is told", () => relay.log.slice(seen).find(({ event }) => event === "delivered"));
  const told = relay.log.slice(seen).filter((line) => JSON.stringify(line).includes(id));
  expect(told.some((line) => /doubt/i.test(JSON.stringify(line)))).toBe(true);
});
