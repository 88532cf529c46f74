/**
 * kill -9 at each named point of a message's way, and a restart: promises P1, P2 and P3, point by point.
 *
 * The message is the first one of its relay; a second one, after the restart, is the control: when it is through and
 * the spool is empty, what has not arrived never will.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CrashPoint } from "../../src/observe/crash-point.ts";
import type { Arrival, Saw } from "../support/oracle.ts";
import { judge } from "../support/oracle.ts";
import { Relay } from "../support/relay.ts";
import { until } from "../support/until.ts";
import { arrivalOf, attemptsInDoubt, type Letter, submitted } from "./journals.ts";

/** A refused recipient's notice, too, is on its way within the test. */
const QUICK = "retry: { first: 1s, max: 1s, expireAfter: 4d }";
const FIRST: Letter = { id: "first", body: "one\r\n.two\r\n" };

/** A relay whose arrivals are journaled; nothing is started. */
async function prepare(fail: readonly string[] = []) {
  const arrivals: Arrival[] = [];
  const relay = await Relay.prepare({
    config: QUICK,
    fail,
    onArrived: (arrived) => arrivals.push(arrivalOf(arrived)),
  });
  return { relay, arrivals, copies: () => arrivals.filter(({ id }) => id === FIRST.id).length };
}

/** After the last restart: everything that can arrive has arrived. */
async function settled(relay: Relay, arrivals: readonly Arrival[]) {
  const control = await submitted(relay.port, { id: "control" });
  await until("the control arrived", () => arrivals.some(({ id }) => id === "control"), 60_000);
  await until("the spool is empty", async () => (await readdir(join(relay.stateDir, "spool"))).length === 0);
  return control;
}

async function crashAndRestart(crashAt: CrashPoint) {
  const { relay, arrivals, copies } = await prepare();
  await relay.up({ crashAt });
  const first = await submitted(relay.port, FIRST);
  await relay.ended();
  await relay.up();
  const submissions = [first, await settled(relay, arrivals)];
  const inDoubt = attemptsInDoubt(relay.log);
  const judgement = judge({ submissions, arrivals, inDoubt });
  return { relay, first, copies: copies(), inDoubt, judgement };
}

interface Expected {
  readonly at: CrashPoint;
  readonly saw: Saw;
  readonly copies: readonly number[];
}

const WITHOUT_DOUBT: readonly Expected[] = [
  { at: "spool-written", saw: "unknown", copies: [0] },
  { at: "spool-synced", saw: "unknown", copies: [0] },
  { at: "spool-renamed", saw: "unknown", copies: [0, 1] },
  { at: "custody", saw: "unknown", copies: [1] },
  { at: "replied", saw: "accepted", copies: [1] },
  { at: "queued", saw: "accepted", copies: [1] },
  { at: "fetched", saw: "accepted", copies: [1] },
  { at: "before-dot", saw: "accepted", copies: [1] },
  { at: "recorded", saw: "accepted", copies: [1] },
  { at: "journaled", saw: "accepted", copies: [1] },
  { at: "unlinked", saw: "accepted", copies: [1] },
  { at: "completed", saw: "accepted", copies: [1] },
];

test.each(WITHOUT_DOUBT)(
  "after a crash at $at the message arrives once, if it was taken, and nothing is in doubt",
  async (expected) => {
    const { relay, first, copies, inDoubt, judgement } = await crashAndRestart(expected.at);
    expect(judgement.faults).toEqual([]);
    expect(first.saw).toBe(expected.saw);
    expect(expected.copies).toContain(copies);
    expect(inDoubt).toEqual([]);
    expect(relay.log.filter(({ level }) => level === "error")).toEqual([]);
  },
);

test.each<Expected>([
  { at: "dot-said", saw: "accepted", copies: [1, 2] },
  { at: "reply-read", saw: "accepted", copies: [2] },
])(
  "after a crash at $at the message may arrive a second time, and the log says that it is in doubt",
  async (expected) => {
    const { first, copies, inDoubt, judgement } = await crashAndRestart(expected.at);
    expect(judgement.faults).toEqual([]);
    expect(first.saw).toBe(expected.saw);
    expect(expected.copies).toContain(copies);
    expect(inDoubt).toEqual([first.queueId]);
  },
);

test("after a crash in the middle of recovery the next one does all of it, and the message arrives once", async () => {
  const { relay, arrivals, copies } = await prepare();
  await relay.up({ crashAt: "replied" });
  const first = await submitted(relay.port, FIRST);
  await relay.ended();
  await relay.up({ crashAt: "recovering" });
  await relay.ended();
  await relay.up();
  const submissions = [first, await settled(relay, arrivals)];
  expect(judge({ submissions, arrivals, inDoubt: [] }).faults).toEqual([]);
  expect(copies()).toBe(1);
});

test("the second message that comes by a point can be crashed on, not the first", async () => {
  const { relay, arrivals } = await prepare();
  await relay.up({ crashAt: "recorded#2" });
  const submissions = [await submitted(relay.port, FIRST)];
  await until("the first is finished", () => relay.events("delivered").length === 1);
  submissions.push(await submitted(relay.port, { id: "second" }));
  await relay.ended();
  await relay.up();
  submissions.push(await settled(relay, arrivals));
  expect(judge({ submissions, arrivals, inDoubt: attemptsInDoubt(relay.log) }).faults).toEqual([]);
  expect(arrivals).toHaveLength(3);
});

test.each<CrashPoint>(["notice-spooled", "noticed"])(
  "after a crash at %s the sender gets one notice of the failure",
  async (crashAt) => {
    const { relay, arrivals } = await prepare(["rcpt:never@example.org=550 5.1.1 no such user"]);
    await relay.up({ crashAt });
    const failed = await submitted(relay.port, { ...FIRST, recipients: ["never@example.org"] });
    await relay.ended();
    await relay.up();
    await submitted(relay.port, { id: "control" });
    const notices = () => arrivals.filter(({ recipients }) => recipients.includes("app@lab.example"));
    await until("control and notice arrived", () => arrivals.length >= 2 && notices().length > 0, 60_000);
    const left = () => readdir(join(relay.stateDir, "spool"));
    await until("the failed message alone is kept", async () => (await left()).length === 1);
    await relay.down();
    expect(await left()).toEqual([failed.queueId]);
    expect(notices()).toHaveLength(1);
  },
);

test.each<CrashPoint>(["fetched", "dot-said"])(
  "a message that is crashed on five times at %s still arrives",
  async (crashAt) => {
    const { relay, arrivals, copies } = await prepare();
    await relay.up({ crashAt });
    const first = await submitted(relay.port, FIRST);
    await relay.ended();
    for (let crashes = 1; crashes < 5; crashes++) {
      await relay.up({ crashAt });
      await relay.ended();
    }
    await relay.up();
    const submissions = [first, await settled(relay, arrivals)];
    const inDoubt = attemptsInDoubt(relay.log);
    expect(judge({ submissions, arrivals, inDoubt }).faults).toEqual([]);
    expect(copies()).toBeGreaterThanOrEqual(1);
    expect(inDoubt).toHaveLength(crashAt === "dot-said" ? 5 : 0);
  },
);

test.each<{ readonly at: CrashPoint; readonly again: "must be" | "need not be" }>([
  { at: "replacement-synced", again: "must be" },
  { at: "replaced", again: "need not be" },
])(
  "after a crash at $at policy $again run again, and the held message arrives once, as the new policy says",
  async ({ at, again }) => {
    const { relay, arrivals, copies } = await prepare();
    await relay.configure({ config: `${QUICK}\nsenders: { unknown: hold }` });
    await relay.up();
    const first = await submitted(relay.port, { ...FIRST, from: "ceo@lab.example" });
    await relay.down();
    const rewrite = '{ match: "ceo@*", to: app@lab.example }';
    await relay.configure({ config: `${QUICK}\nsenders: { unknown: hold, rewrite: [ ${rewrite} ] }` });
    await relay.up({ crashAt: at });
    await relay.command("queue", "repolicy", "--yes");
    await relay.ended();
    await relay.up();
    const left = again === "must be" ? 1 : 0;
    expect((await relay.command("queue", "repolicy", "--yes")).stdout).toContain(`-- ${left} message`);
    const submissions = [first, await settled(relay, arrivals)];
    expect(judge({ submissions, arrivals, inDoubt: [] }).faults).toEqual([]);
    expect(copies()).toBe(1);
    expect(relay.arrived.find(({ subject }) => subject === FIRST.id)?.sender).toBe("app@lab.example");
    expect(relay.events("repolicied")).toMatchObject([{ id: first.queueId, account: "portal" }]);
    expect(relay.log.filter(({ level }) => level === "error")).toEqual([]);
  },
);
