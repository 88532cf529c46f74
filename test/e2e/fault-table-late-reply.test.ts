/**
 * The fault table, a reply to the final dot after nine minutes: it is waited for, and there is one delivery. It takes
 * nine minutes, so it runs where SLUICE_SOAK is set; with a clock that is made up, test/wire/upstream/late-reply.test.ts
 * says the same of one session each time.
 */
import { expect, test } from "vitest";
import { Relay } from "../support/relay.ts";
import { soaked } from "../support/runs.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const MINUTE_MS = 60_000;

test.runIf(soaked(1) > 1)(
  "a reply to the dot after nine minutes is waited for, and the message arrives once",
  async () => {
    const relay = await Relay.start({ fail: ["dot#1=delay 9m"] });
    const { id } = await submit(relay.port, { data: "Subject: late\r\n\r\nbody\r\n" });
    await until("the upstream has it", () => relay.arrived.length === 1);
    const delivered = () => relay.events("delivered").find((line) => line.id === id);
    await until("it is delivered", delivered, 10 * MINUTE_MS);
    expect(relay.arrived).toHaveLength(1);
    expect(relay.events("deferred")).toEqual([]);
  },
  12 * MINUTE_MS,
);
