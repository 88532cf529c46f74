/**
 * kill -9 in a loop, under load, against promises P1 and P3: every message that got its 250 arrives, and more than
 * once only when the attempt was in doubt: between the upstream's 250 and our record of it there is no safety.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Relay } from "../support/relay.ts";
import { soaked } from "../support/runs.ts";
import { submit } from "../support/smtp-client.ts";
import { until } from "../support/until.ts";

const ROUNDS = soaked(5);
const SENDERS = 4;

test("kill -9 of agent and Redis, again and again under load, loses nothing and repeats only what was in doubt", async () => {
  const arrivals = new Map<string, number>(); // how often each subject came: the simulator forgets old ones
  const relay = await Relay.start({
    fail: ["dot=delay 5ms"],
    onArrived: ({ subject = "" }) => arrivals.set(subject, (arrivals.get(subject) ?? 0) + 1),
  });
  const accepted = new Set<string>();
  let next = 0;
  let mostRepeats = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let killing = false;
    const senders = Array.from({ length: SENDERS }, async () => {
      while (!killing) {
        const subject = `m${next++}`;
        const sent = await submit(relay.port, { data: `Subject: ${subject}\r\n\r\n` }).catch(() => undefined);
        if (sent?.code === 250) accepted.add(subject);
      }
    });
    await until("a good deal is accepted", () => accepted.size >= (round + 1) * 60);
    mostRepeats += 4; // one attempt in each of the `sessions` that were open
    await relay.kill(round % 2 === 0 ? "agent" : "agent and redis");
    killing = true;
    await Promise.all(senders);
    await relay.up();
  }
  await until(
    "everything arrived",
    () => [...accepted].every((subject) => arrivals.has(subject)),
    soaked(60_000),
  );
  await until("the spool is empty", async () => (await readdir(join(relay.stateDir, "spool"))).length === 0);
  const repeats = [...arrivals.values()].reduce((sum, times) => sum + times - 1, 0);
  expect(accepted.size).toBeGreaterThanOrEqual(ROUNDS * 60);
  expect(repeats).toBeLessThanOrEqual(mostRepeats);
});
