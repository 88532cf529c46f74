/** A start derives due times again from the files: nobody waits for what was said before it. */
import { expect, onTestFinished, test } from "vitest";
import { Recovery } from "../../src/delivery/recovery.ts";
import { Queues } from "../../src/queue/queues.ts";
import { failed } from "../../src/schedule/verdict.ts";
import type { SpoolRecord } from "../../src/spool/entry.ts";
import { address, entryFor, WIRE } from "../support/messages.ts";
import { redisForTests } from "../support/redis.ts";
import { testSpool } from "../support/spool.ts";
import { until } from "../support/until.ts";

const redis = redisForTests();
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
let made = 0;

const attempt = (at: number, nextMs?: number): SpoolRecord => ({
  at,
  event: "attempt",
  upstream: "u",
  session: "s",
  results: [
    failed(address("bob@example.org"), {
      stage: "rcpt",
      reply: { code: 451, text: "451 later" },
      text: "later",
    }),
  ],
  ...(nextMs === undefined ? {} : { nextMs }),
});

/** A message with these records whose job is due at `dueMs`; what a start makes of it: how long it waits from now. */
async function waitAfterStart(records: readonly SpoolRecord[], dueMs: number): Promise<number> {
  const { spool } = await testSpool();
  const client = redis.client().duplicate();
  const queues = new Queues({
    redis: client,
    instance: `recovery${made++}`,
    accounts: ["portal"],
    onConnected: () => {},
    onTrouble: () => {},
  });
  await queues.open();
  onTestFinished(() => queues[Symbol.asyncDispose]());
  const id = spool.newId();
  await spool.accept(entryFor(id), [WIRE]);
  const opened = await spool.open(id);
  if (!opened.ok) throw new Error("not there");
  for (const record of records) await opened.message.append(record);
  await opened.message.close();
  const queue = queues.of("portal");
  await queue.add([{ id, class: "bulk", dueMs }], Date.now());
  const events = { fact: async () => {}, report: () => {} };
  let recovered = 0;
  const recovery = new Recovery({
    spool,
    queues,
    events,
    redis: client,
    now: Date.now,
    inHand: () => false,
    untold: { events, now: Date.now, gap: { fromMs: Date.now(), toMs: Date.now() }, told: new Set() },
    whileNotFetching: (_account, work) => work(),
    exclusively: (work) => work(),
    onRecovered: () => void recovered++,
  });
  recovery.start();
  await until("it recovered", () => recovered === 1);
  await recovery.stop();
  const { waiting, nextDueMs } = await queue.due(Date.now());
  return waiting.bulk === 1 ? 0 : (nextDueMs ?? Number.NaN) - Date.now();
}

test("mail that was deferred while the clock was a day ahead goes at its time, not a day later", async () => {
  const then = Date.now() + DAY_MS;
  const waitMs = await waitAfterStart([attempt(then, then + MINUTE_MS)], then + MINUTE_MS);
  expect(waitMs).toBeLessThanOrEqual(MINUTE_MS);
});

test("mail of a pair that was stopped goes at once: it may not be stopped any more", async () => {
  expect(await waitAfterStart([attempt(Date.now())], Date.now() + MINUTE_MS)).toBe(0);
});

test("a retry that a crash cut off before it reached the job is done", async () => {
  const at = Date.now();
  const records = [attempt(at, at + DAY_MS), { at: at + 1, event: "retried" } as const];
  expect(await waitAfterStart(records, at + DAY_MS)).toBe(0);
});

test("what is deferred as its file says stays as it is", async () => {
  const at = Date.now();
  const waitMs = await waitAfterStart([attempt(at, at + DAY_MS)], at + DAY_MS);
  expect(waitMs).toBeGreaterThan(DAY_MS - MINUTE_MS);
});
