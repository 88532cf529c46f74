/** What the queues in Redis tell of themselves, against what the files say. */
import { expect, onTestFinished, test } from "vitest";
import { listQueue } from "../../src/control/queue-scan.ts";
import { countSlice, queueStats } from "../../src/control/queue-stats.ts";
import type { QueueSource } from "../../src/control/queue-view.ts";
import { Answers } from "../../src/delivery/answers.ts";
import { jobFor } from "../../src/delivery/job.ts";
import type { MessageClass } from "../../src/queue/account-queue.ts";
import { Queues } from "../../src/queue/queues.ts";
import { failed } from "../../src/schedule/verdict.ts";
import type { SpoolRecord } from "../../src/spool/entry.ts";
import { messageState } from "../../src/spool/state.ts";
import { address, entryFor, WIRE } from "../support/messages.ts";
import { redisForTests } from "../support/redis.ts";
import { testSpool } from "../support/spool.ts";

const redis = redisForTests();
let made = 0;

const BOB = address("bob@example.org");
const attempt = (code: 451 | 550, nextMs?: number): SpoolRecord => ({
  at: Date.now(),
  event: "attempt",
  upstream: "u",
  session: "s",
  results: [failed(BOB, { stage: "rcpt", reply: { code, text: `${code} no` }, text: "no" })],
  ...(nextMs === undefined ? {} : { nextMs }),
});
const HELD: SpoolRecord = { at: Date.now(), event: "held", reason: "wait" };
const HISTORY = {
  bounced: () => [attempt(550)],
  active: () => [],
  incoming: () => [],
  deferred: () => [attempt(451, Date.now() + 3_600_000)],
  held: () => [HELD],
};
type Wanted = keyof typeof HISTORY;
/** What is fetched goes first: nothing else may be due then. */
const WANTED = Object.keys(HISTORY) as Wanted[];

async function setting() {
  const { spool } = await testSpool();
  const client = redis.client().duplicate();
  const queues = new Queues({
    redis: client,
    instance: `figures${made++}`,
    accounts: ["portal", "crm"],
    onConnected: () => {},
    onTrouble: () => {},
  });
  await queues.open();
  onTestFinished(() => queues[Symbol.asyncDispose]());
  const inHand = new Set<string>();
  const answers = new Answers({
    queues,
    redis: client,
    feeders: {
      current: new Map([["portal", { budget: async () => ({ used: 4, perHour: 500 }) }]]) as never,
      inHand: () => false,
    },
    flow: { stalled: () => [] },
    standing: { breakers: { pairStopped: () => undefined, open: () => [] } as never, years: {} as never },
    watchdog: { stuck: [] },
    spool,
  });
  const nowMs = Date.now();
  const source: QueueSource = {
    spool,
    now: () => nowMs,
    active: (id) => inHand.has(id),
    outlook: async () => undefined,
    pairStopped: () => undefined,
  };

  /** A message as it is in this state, in the spool and in its queue. */
  async function message(wanted: Wanted, account: string | null, name: MessageClass): Promise<void> {
    const entry = entryFor(spool.newId(), { account, class: name });
    await spool.accept(entry, [WIRE]);
    const records = HISTORY[wanted]();
    const opened = await spool.open(entry.id);
    if (!opened.ok) throw new Error("not there");
    for (const record of records) await opened.message.append(record);
    await opened.message.close();
    const state = messageState(entry, records);
    if (state.kind === "settled") throw new Error("is delivered");
    const queue = queues.of(account);
    await queue.add([jobFor(entry, state, Date.now())], Date.now());
    if (wanted !== "bounced" && wanted !== "active") return;
    const fetched = await queue.fetch(name);
    if (fetched?.id !== entry.id) throw new Error("another one was fetched");
    if (wanted === "bounced") await queue.bounce(fetched, "no");
    else inHand.add(entry.id);
  }
  return { answers, source, queues, client, message };
}

test("counts by Redis agree with the rows of a list, account by account, whatever states the messages are in", async () => {
  const { answers, source, message } = await setting();
  const any = <T>(of: readonly T[]): T => of[Math.floor(Math.random() * of.length)] as T;
  const wanted = Array.from({ length: 60 }, () => any(WANTED));
  wanted.sort((a, b) => WANTED.indexOf(a) - WANTED.indexOf(b));
  for (const state of wanted) {
    // Nobody fetches what has no account.
    const accounts = state === "bounced" || state === "active" ? ["portal", "crm"] : ["portal", "crm", null];
    await message(state, any(accounts), any(["urgent", "bulk"] as const));
  }
  const { rows } = await listQueue(source, {}, { limit: 100 });
  for (const { account, states } of await answers.counts()) {
    const own = rows.filter((row) => row.account === account);
    const listed = WANTED.map((state) => [state, own.filter((row) => row.state === state).length]);
    expect({ account, ...states }).toEqual({ account, ...Object.fromEntries(listed) });
  }
  const bounced = rows.filter(({ state }) => state === "bounced").map(({ id }) => id);
  expect([...(await answers.bounced())].sort()).toEqual(bounced);
  const { next, ...counted } = await countSlice(source, undefined);
  expect(await queueStats(source, answers)).toEqual(counted);
  expect([next, rows.length]).toEqual([null, 60]);
});

test("while Redis is away nothing is counted, and no budget is known", async () => {
  const { answers, client } = await setting();
  expect(await answers.budgets()).toEqual({ portal: { used: 4, perHour: 500 } });
  const ended = new Promise((resolve) => client.once("end", resolve));
  client.disconnect();
  await ended;
  await expect(answers.counts()).rejects.toThrow("Redis does not answer");
  await expect(answers.bounced()).rejects.toThrow("Redis does not answer");
  expect(await answers.budgets()).toEqual({ portal: null });
});

test("a place in line is the same whether one is asked for or thousands", async () => {
  const { queues } = await setting();
  const queue = queues.of("portal");
  const ids = Array.from({ length: 2500 }, (_, n) => `m${n}`);
  await queue.add(
    ids.map((id) => ({ id, class: "bulk" as const })),
    Date.now(),
  );
  const places = await queue.positions("bulk", [...ids, "not-there"]);
  expect([...places]).toEqual(ids.map((id, place) => [id, place]));
  expect([...(await queue.positions("bulk", ["m2400", "not-there", "m0"]))]).toEqual([
    ["m2400", 2400],
    ["m0", 0],
  ]);
  const far = ids.slice(2300, 2320);
  expect([...(await queue.positions("bulk", far)).keys()].sort()).toEqual([...far].sort());
  expect(await queue.positions("urgent", ["m0"])).toEqual(new Map());
  expect(await queue.positions("bulk", [])).toEqual(new Map());
  expect([await queue.waiting("bulk"), await queue.waiting("urgent")]).toEqual([2500, 0]);
});
