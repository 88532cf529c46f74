/** Today's policy on what is in the spool: files, jobs and facts after it, with real files and a real Redis. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { Repolicy, type RepolicyParts } from "../../src/delivery/repolicy.ts";
import { rescheduleDeferred } from "../../src/delivery/reschedule.ts";
import { Turnstile } from "../../src/delivery/turnstile.ts";
import { misplaced } from "../../src/delivery/unusable.ts";
import { decideMessage } from "../../src/intake/decision.ts";
import type { IntakeSettings } from "../../src/intake/ports.ts";
import { splitHead } from "../../src/mail/head.ts";
import type { Fact } from "../../src/observe/facts.ts";
import { HELD_UNTIL_MS } from "../../src/queue/account-queue.ts";
import { Queues } from "../../src/queue/queues.ts";
import { failed } from "../../src/schedule/verdict.ts";
import type { SpoolEntry, SpoolRecord, StoredEntry } from "../../src/spool/entry.ts";
import { type MessageState, messageState } from "../../src/spool/state.ts";
import { recordsFor } from "../../src/spool/verb.ts";
import { address } from "../support/messages.ts";
import { redisForTests } from "../support/redis.ts";
import { testSpool } from "../support/spool.ts";

const redis = redisForTests();
let made = 0;

const [ANN, BOB] = [address("ann@example.org"), address("bob@example.org")];
const CRON = address("cron@app01.internal");
const portal = { envelope: address("portal@lab.example"), header: address("portal@lab.example") };
const shop = { envelope: address("bounces@shop.example"), header: address("shop@shop.example") };
const HOUR_MS = 3_600_000;
const HEAD =
  "From: Cron <cron@app01.internal>\r\nSender: cron@app01.internal\r\nBcc: x@y.example\r\nSubject: s\r\n\r\n";
const BODY = "body\r\n";

/** `to`: whom mail of cron goes out as. */
function policy(
  to: typeof portal | undefined,
  unknown: "hold" | "reject" = "hold",
  allowDomains: readonly string[] = [],
): IntakeSettings {
  return {
    hostname: "app01.lab.example",
    listen: { clients: [], maxConnections: 1 },
    limits: { messageSizeBytes: 5_000_000, recipients: 10, hops: 50, uploadsBytes: 1 },
    recipients: { aliases: new Map() },
    keep: { subjects: false },
    accounts: [
      { name: "portal", allowDomains: [] },
      { name: "shop", allowDomains },
    ],
    senders: {
      pairs: [
        { pair: portal, account: "portal", rule: "accounts[0].senders[0]" },
        { pair: shop, account: "shop", rule: "accounts[1].senders[0]" },
      ],
      rewrite: to ? [{ match: "*@app01.internal", to, rule: "senders.rewrite[0]" }] : [],
      unknown: { kind: unknown },
      keepOriginal: "reply-to",
      nullSender: portal.envelope,
    },
    urgent: { headers: {}, senders: [], users: [] },
  };
}

const attempt = (code: number, nextMs?: number): SpoolRecord => ({
  at: Date.now(),
  event: "attempt",
  upstream: "u",
  session: "s",
  results: [
    { recipient: ANN, status: "delivered", reply: { code: 250, text: "250 ok" } },
    failed(BOB, { stage: "rcpt", reply: { code, text: `${code} no` }, text: "no" }),
  ],
  ...(nextMs === undefined ? {} : { nextMs }),
});
const HELD: SpoolRecord = { at: Date.now(), event: "held", reason: "wait" };

/** A spool, two accounts' queues, and what repolicy asks of its neighbours, noted. */
async function setting() {
  const { spool, folder } = await testSpool();
  const client = redis.client().duplicate();
  const accounts = ["portal", "shop"];
  const options = { redis: client, instance: `repolicy${made++}`, accounts };
  const queues = new Queues({ ...options, onConnected: () => {}, onTrouble: () => {} });
  await queues.open();
  onTestFinished(() => queues[Symbol.asyncDispose]());
  const facts: Fact[] = [];
  const events = { fact: async (fact: Fact) => void facts.push(fact), report: vi.fn() };
  const fetching = new Turnstile();
  const changing = new Turnstile();
  const inHand = new Set<string>();
  const neighbours = { wake: vi.fn(), recover: vi.fn() };
  let today = policy(undefined);
  let clockMs = 0;
  const parts: RepolicyParts = {
    spool,
    queues,
    events,
    now: Date.now,
    elapsed: () => clockMs,
    settings: () => today,
    settingsSinceMs: () => 0,
    inHand: (id) => inHand.has(id),
    whileNotFetching: (_account, work) => fetching.closedWhile(work),
    exclusively: (work) => changing.closedWhile(work),
    untold: { events, now: Date.now, gap: { fromMs: 0, toMs: 0 }, told: new Set<string>() },
    workedMs: ({ account }) => (account === null ? 0 : account === "shop" ? 5000 : 90_000),
    ...neighbours,
  };
  const repolicy = new Repolicy(parts);

  /** Accepted under a policy, with what happened to it then; its job is as after that. */
  async function message(
    settings: IntakeSettings,
    records: readonly SpoolRecord[] = [],
    changes: Partial<SpoolEntry> = {},
  ): Promise<string> {
    const id = spool.newId();
    const split = splitHead(Buffer.from(HEAD));
    if (split.kind !== "complete") throw new Error("no head");
    const client = { ip: "127.0.0.1", helo: "x", protocol: "ESMTP" as const };
    const said = { sender: CRON, recipients: [ANN, BOB] };
    const submission = { id, time: new Date(), client, sender: CRON, recipients: [ANN, BOB], said };
    const decision = decideMessage(settings, submission, split.head);
    if (decision.action === "refuse") throw new Error(decision.reply.text);
    const entry: SpoolEntry = { ...decision.entry, timeMs: Date.now(), eightBit: false, ...changes };
    await spool.accept(entry, [decision.headBytes, Buffer.from(BODY)]);
    const opened = await spool.open(id);
    if (!opened.ok) throw new Error("not there");
    await using found = opened.message;
    for (const record of records) await found.append(record);
    const state = messageState(entry, records);
    const dueMs =
      state.kind === "held" ? HELD_UNTIL_MS : state.kind === "pending" ? state.next?.dueMs : undefined;
    await queues
      .of(entry.account)
      .add([{ id, class: entry.class, ...(dueMs === undefined ? {} : { dueMs }) }], Date.now());
    return id;
  }

  async function read(
    id: string,
  ): Promise<{ entry: StoredEntry; state: MessageState; wire: string; events: string[] }> {
    const opened = await spool.open(id);
    if (!opened.ok) throw new Error(opened.why);
    await using found = opened.message;
    const { entry, records } = found;
    const state = messageState(entry, records);
    return { entry, state, wire: String(await found.wire()), events: records.map(({ event }) => event) };
  }

  /** The queues that have a job of the message, with when it is due. */
  async function jobs(id: string): Promise<string[]> {
    const found: string[] = [];
    for (const queue of queues.all()) {
      await queue.eachPage("incoming", (ids) => {
        if (ids.includes(id)) found.push(`${queue.account}: now`);
      });
      for (const job of await queue.deferred())
        if (job.id === id) found.push(`${queue.account}: ${job.dueMs >= HELD_UNTIL_MS ? "held" : "later"}`);
    }
    return found;
  }

  return {
    spool,
    folder,
    queues,
    facts,
    parts,
    inHand,
    neighbours,
    repolicy,
    message,
    read,
    jobs,
    become: (settings: IntakeSettings) => {
      today = settings;
    },
    tick: (ms: number) => {
      clockMs += ms;
    },
  };
}

test("what was held for its sender is let go: with the new pair, from the head that came, due at once", async () => {
  const { message, read, jobs, become, repolicy, facts, neighbours } = await setting();
  const id = await message(policy(undefined));
  expect(await jobs(id)).toEqual(["unassigned: held"]);
  expect((await read(id)).wire).toContain("Sender: cron@app01.internal");
  become(policy(shop));
  const page = await repolicy.page({ mode: "apply" });
  expect(page).toMatchObject({ unchanged: 0, skipped: [], next: null });
  expect(page.changed).toMatchObject([
    {
      id,
      was: { account: null, envelope: CRON, from: CRON, state: "held" },
      now: { account: "shop", envelope: shop.envelope, from: shop.header, state: "queued" },
      rule: "senders.rewrite[0]",
    },
  ]);
  const { entry, state, wire } = await read(id);
  expect(state.kind).toBe("pending");
  expect(entry).toMatchObject({ account: "shop", from: shop.header, received: { from: CRON } });
  expect(wire).toMatch(
    /^Received: .*\r\n.*\r\n.*\r\nFrom: Cron <shop@shop\.example>\r\nSubject: s\r\nDate: .*\r\nMessage-ID: .*\r\nReply-To: cron@app01\.internal\r\n\r\nbody\r\n$/,
  );
  expect(await jobs(id)).toEqual(["shop: now"]);
  expect(neighbours.wake).toHaveBeenCalledWith("shop");
  expect(facts).toMatchObject([
    {
      event: "repolicied",
      id,
      account: "shop",
      sender: shop.envelope,
      from: shop.header,
      was: { from: CRON },
    },
  ]);
  expect(await repolicy.page({ mode: "apply" })).toMatchObject({ changed: [], unchanged: 1 });
});

test("what is deferred goes to the other account's queue, none left behind, and keeps its time and its age", async () => {
  const { message, read, jobs, become, repolicy } = await setting();
  const nextMs = Date.now() + HOUR_MS;
  const id = await message(policy(portal), [attempt(451, nextMs)], { workedMs: 60_000 });
  expect(await jobs(id)).toEqual(["portal: later"]);
  become(policy(shop));
  const { changed } = await repolicy.page({ mode: "apply" });
  expect(changed).toMatchObject([{ delivered: 1, was: { account: "portal" }, now: { account: "shop" } }]);
  const { entry, state, events } = await read(id);
  expect(events).toEqual(["attempt", "repolicied"]);
  expect(state).toMatchObject({ kind: "pending", next: { dueMs: nextMs }, ledger: { pending: [BOB] } });
  expect(entry.workedMs).toBe(5000 - (90_000 - 60_000)); // half a minute old by either clock
  expect(await jobs(id)).toEqual(["shop: later"]);
});

test("what is not allowed any more is parked, says why, and a release says what to do", async () => {
  const { message, read, jobs, become, repolicy, facts } = await setting();
  const id = await message(policy(portal));
  become(policy(undefined, "reject"));
  const { changed } = await repolicy.page({ mode: "apply" });
  expect(changed).toMatchObject([{ id, now: { account: null, state: "held", from: CRON } }]);
  const { entry, state } = await read(id);
  expect(state).toMatchObject({
    kind: "held",
    reason: expect.stringMatching(/^Sender address cron@.*senders/),
  });
  expect(await jobs(id)).toEqual(["unassigned: held"]);
  expect(facts).toMatchObject([{ event: "repolicied", hold: expect.stringContaining("not allowed") }]);
  const asked = { entry, records: [], at: 0, hasAccount: () => true };
  expect(recordsFor("release", asked)).toMatchObject({
    why: expect.stringContaining("sluice queue repolicy"),
  });
});

test("a recipient that the new account may not write to parks the message; one that has it already does not", async () => {
  const { message, read, become, repolicy } = await setting();
  const fresh = await message(policy(portal));
  const partly = await message(policy(portal), [attempt(451)]);
  become(policy(shop, "hold", ["lab.example"]));
  await repolicy.page({ mode: "apply" });
  const { state } = await read(fresh);
  expect(state).toMatchObject({
    kind: "held",
    reason: `${ANN} and 1 more not in recipients.allowDomains of account shop; mail there is not allowed`,
  });
  expect((await read(partly)).state).toMatchObject({
    reason: expect.stringMatching(/^bob@example\.org not in/),
  });
});

test("what an operator holds stays held, what bounced stays bounced: both as they would go out now", async () => {
  const { message, read, jobs, become, repolicy } = await setting();
  const held = await message(policy(portal), [HELD]);
  const bounced = await message(policy(portal), [attempt(550)]);
  become(policy(shop));
  const { changed } = await repolicy.page({ mode: "apply" });
  expect(changed.map(({ was, now }) => [was.state, now.state, now.account])).toEqual([
    ["held", "held", "shop"],
    ["bounced", "bounced", "shop"],
  ]);
  expect((await read(held)).state).toMatchObject({ kind: "held", reason: "wait" });
  expect(await jobs(held)).toEqual(["shop: held"]);
  expect(await read(bounced)).toMatchObject({ state: { kind: "bounced" }, entry: { from: shop.header } });
  expect(await jobs(bounced)).toEqual(["shop: now"]); // fetched, it is seen to be bounced
});

test("a dry run says the same and changes nothing", async () => {
  const { folder, message, jobs, become, repolicy, facts } = await setting();
  const id = await message(policy(undefined));
  const before = await readFile(join(folder, id));
  become(policy(shop));
  const looked = await repolicy.page({ mode: "look" });
  expect(await readFile(join(folder, id))).toEqual(before);
  expect(await jobs(id)).toEqual(["unassigned: held"]);
  expect(facts).toEqual([]);
  expect((await repolicy.page({ mode: "apply" })).changed).toEqual(looked.changed);
});

test("notices, what is in a session, and what cannot be read or written are left alone, each with a sentence", async () => {
  const { folder, spool, inHand, message, become, repolicy } = await setting();
  const notice = await message(policy(portal), [], { notice: { kind: "failure", of: null } });
  const active = await message(policy(portal));
  const broken = await message(policy(portal));
  const unwritten = await message(policy(portal));
  inHand.add(active);
  await writeFile(join(folder, broken), "rubbish\n");
  vi.spyOn(spool, "replace").mockRejectedValueOnce(new Error("ENOSPC: no space left on device"));
  become(policy(shop));
  const { changed, skipped } = await repolicy.page({ mode: "apply" });
  expect(changed).toEqual([]);
  expect(skipped).toEqual([
    { id: notice, why: "it is a notice of ours" },
    { id: active, why: "it is in a session now: run it again in a moment" },
    { id: broken, why: expect.stringContaining("its spool file cannot be read") },
    { id: unwritten, why: expect.stringContaining("ENOSPC") },
  ]);
});

test("a page ends after its time, and the next one goes on where it ended", async () => {
  const { message, become, repolicy, parts, tick } = await setting();
  const ids: string[] = [];
  for (let n = 0; n < 17; n++) ids.push(await message(policy(portal))); // one more than are looked at together
  become(policy(shop));
  const open = parts.spool.open.bind(parts.spool);
  vi.spyOn(parts.spool, "open").mockImplementation((id) => {
    tick(150);
    return open(id);
  });
  const pages: string[][] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const page = await repolicy.page({ mode: "look", after });
    pages.push(page.changed.map(({ id }) => id));
    after = page.next;
  }
  expect(pages).toEqual([ids.slice(0, 16), ids.slice(16)]);
});

test("when Redis took nothing of it, or a crash came between, recovery moves the job", async () => {
  const { message, jobs, become, repolicy, queues, neighbours, spool } = await setting();
  const id = await message(policy(undefined));
  become(policy(shop));
  vi.spyOn(queues, "find").mockImplementationOnce(() => {
    throw new Error("Redis does not answer");
  });
  expect((await repolicy.page({ mode: "apply" })).changed).toHaveLength(1);
  expect(neighbours.recover).toHaveBeenCalledTimes(1);
  expect(await jobs(id)).toEqual(["unassigned: held"]);
  await rescheduleDeferred({ queues, spool, now: Date.now, stopped: () => false }, "held");
  expect(await jobs(id)).toEqual(["shop: now"]);
});

test("a job that was fetched from the queue of the account that the message had is in the other queue then", async () => {
  const { message, read, jobs, queues } = await setting();
  const id = await message(policy(shop));
  await queues.of("shop").remove(id);
  await queues.of("portal").add([{ id, class: "bulk" }], Date.now());
  const fetched = await queues.of("portal").fetch("bulk");
  if (!fetched) throw new Error("nothing to fetch");
  const { entry } = await read(id);
  const enqueue = vi.fn();
  await misplaced({ queue: queues.of("portal"), enqueue }, fetched, entry);
  expect(await jobs(id)).toEqual([]);
  expect(enqueue).toHaveBeenCalledWith(entry);
  expect(await queues.of("portal").fetch("bulk")).toBeUndefined();
});
