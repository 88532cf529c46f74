import { expect, onTestFinished, test } from "vitest";
import { sweepBounced } from "../../src/delivery/sweep.ts";
import type { Fact } from "../../src/observe/facts.ts";
import { Queues } from "../../src/queue/queues.ts";
import { failed } from "../../src/schedule/verdict.ts";
import { address, entryFor, WIRE } from "../support/messages.ts";
import { redisForTests } from "../support/redis.ts";
import { testSpool } from "../support/spool.ts";

const redis = redisForTests();
const DAY_MS = 86_400_000;

test("bounced messages go when they were kept long enough, and not before; the rest stays", async () => {
  const start = Date.now();
  let now = start;
  const { spool } = await testSpool({ now: () => now });
  const client = redis.client().duplicate();
  const queues = new Queues({
    redis: client,
    instance: "sweep",
    accounts: ["portal"],
    onConnected: () => {},
    onTrouble: () => {},
  });
  await queues.open();
  onTestFinished(() => queues[Symbol.asyncDispose]());
  const queue = queues.of("portal");

  const bounced = spool.newId();
  const pending = spool.newId();
  for (const id of [bounced, pending]) await spool.accept(entryFor(id, { timeMs: now }), [WIRE]);
  await queue.add([{ id: bounced, class: "bulk" }], now);
  const fetched = await queue.fetch("bulk");
  if (!fetched) throw new Error("nothing was due");
  const opened = await spool.open(bounced);
  if (!opened.ok) throw new Error("not there");
  const refusal = failed(address("bob@example.org"), {
    stage: "rcpt",
    reply: { code: 550, text: "550 no" },
    text: "no",
  });
  await opened.message.append({
    at: now + DAY_MS,
    event: "attempt",
    upstream: "u",
    session: "s",
    results: [refusal],
  });
  await opened.message.close();
  await queue.bounce(fetched, "550 no");
  await queue.add([{ id: pending, class: "bulk" }], now);

  const facts: Fact[] = [];
  const events = { fact: async (fact: Fact) => void facts.push(fact), report: () => {} };
  const sweep = () =>
    sweepBounced({
      spool,
      queues,
      events,
      keepMs: () => 7 * DAY_MS,
      now: () => now,
      exclusively: (work) => work(),
    });
  now = start + 7.5 * DAY_MS; // accepted longer ago than that, but bounced only 6.5 days ago
  await sweep();
  expect(await spool.ids()).toEqual([bounced, pending].sort());
  now = start + 8.5 * DAY_MS;
  await sweep();
  expect(await spool.ids()).toEqual([pending]);
  expect(facts).toMatchObject([{ event: "deleted", id: bounced }]);
  const left: string[] = [];
  await queue.eachPage("bounced", (ids) => void left.push(...ids));
  expect(left).toEqual([]);
});
