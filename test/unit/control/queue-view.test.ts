import { expect, test } from "vitest";
import { healthLines } from "../../../src/control/health-text.ts";
import { listQueue } from "../../../src/control/queue-scan.ts";
import { messagePage } from "../../../src/control/queue-text.ts";
import { type QueueSource, showMessage } from "../../../src/control/queue-view.ts";
import { failed } from "../../../src/schedule/verdict.ts";
import type { SpoolRecord } from "../../../src/spool/entry.ts";
import { address, entryFor, WIRE } from "../../support/messages.ts";
import { testSpool } from "../../support/spool.ts";

const BOB = address("bob@example.org");
const T = Date.UTC(2030, 0, 1);
const iso = (ms: number) => new Date(T + ms).toISOString();

async function view(records: readonly SpoolRecord[], changes: Partial<QueueSource> = {}) {
  const { spool } = await testSpool();
  const id = spool.newId();
  await spool.accept(entryFor(id, { timeMs: T }), [WIRE]);
  const opened = await spool.open(id);
  if (!opened.ok) throw new Error("not there");
  for (const record of records) await opened.message.append(record);
  await opened.message.close();
  const none = () => undefined;
  const source = {
    spool,
    now: () => T + 9000,
    active: () => false,
    outlook: async () => undefined,
    pairStopped: none,
    ...changes,
  };
  const { rows } = await listQueue(source, {}, { limit: 10 });
  const detail = await showMessage(source, id);
  if (!rows[0] || !detail) throw new Error("not shown");
  return { row: rows[0], detail, page: messagePage(detail) };
}

const REFUSED: SpoolRecord = {
  at: T + 1000,
  event: "attempt",
  upstream: "u",
  session: "s",
  results: [failed(BOB, { stage: "rcpt", reply: { code: 550, text: "550 5.1.1 no" }, text: "no" })],
};

test("mail whose pair is stopped is shown as held, with the upstream's words and the next probe", async () => {
  const pairStopped = () => ({ reason: "550 5.7.1 not you", nextProbeMs: T + 60_000 });
  const { row } = await view([], { pairStopped });
  expect(row).toMatchObject({
    state: "held",
    reason: "its pair is stopped: 550 5.7.1 not you",
    nextAttempt: iso(60_000),
  });
  const probing = await view([], { pairStopped: () => ({ reason: "no" }) });
  expect(probing.row).toMatchObject({ state: "held", nextAttempt: null });
  expect((await view([], { pairStopped, active: () => true })).row.state).toBe("active");
  expect((await view([REFUSED], { pairStopped })).row.state).toBe("bounced");
});

test("a row has the keys that programs rely on, and no others", async () => {
  const { row } = await view([]);
  expect(Object.keys(row).join(" ")).toBe(
    "id state age size sender recipients account user nextAttempt reason",
  );
});

test("what happened to a message is told in the order in which it did", async () => {
  const held: SpoolRecord = { at: T + 500, event: "held", reason: "wrong template" };
  const { page } = await view([held, { at: T + 800, event: "released" }, REFUSED]);
  const words = page.split("\n").map((line) => line.split(" ")[0]);
  expect(words.filter((word) => word && ["held", "released", "attempt"].includes(word))).toEqual([
    "held",
    "released",
    "attempt",
  ]);
});

test("an attempt that was cut off after its final dot is shown in doubt, unless it is under way", async () => {
  const dot: SpoolRecord = { at: T + 2000, event: "dot", upstream: "relay.example", session: "s2" };
  const { detail, page, row } = await view([dot]);
  const cut = { upstream: "relay.example", session: "s2", inDoubt: true, next: null, results: [] };
  expect(detail.attempts).toEqual([{ at: iso(2000), ...cut }]);
  expect(page).toContain("in doubt: it may have arrived");
  expect(page).toContain("its outcome was never written");
  expect(row.state).toBe("incoming");
  expect((await view([dot], { active: () => true })).detail.attempts).toEqual([]);
  const told: SpoolRecord = {
    at: T + 3000,
    event: "attempt",
    upstream: "u",
    session: "s2",
    results: [],
    inDoubt: true,
  };
  expect((await view([dot, told])).detail.attempts).toHaveLength(1);
});

test("what else happened to a message is its history: holds, releases, retries, bounces, notices", async () => {
  const { detail, page } = await view([
    { at: T + 1, event: "held", reason: "wrong\x1b[31mtemplate" },
    { at: T + 2, event: "released" },
    { at: T + 3, event: "bounced", recipients: [BOB], reason: "out of date" },
    { at: T + 4, event: "noticed", kind: "failure", id: "1m84xr46400t1k", recipients: [BOB] },
    { at: T + 5, event: "retried" },
    { at: T + 6, event: "expired", recipients: [BOB], reason: "not delivered in time" },
    { at: T + 7, event: "noticed", kind: "failure", id: null, recipients: [BOB] },
  ]);
  expect(detail.history).toEqual([
    { at: iso(1), what: "held", detail: "wrong\x1b[31mtemplate" },
    { at: iso(2), what: "released", detail: "" },
    { at: iso(3), what: "bounced", detail: "out of date; given up: bob@example.org" },
    { at: iso(4), what: "notice", detail: "failure about bob@example.org: sent as 1m84xr46400t1k" },
    { at: iso(5), what: "retried", detail: "" },
    { at: iso(6), what: "expired", detail: "not delivered in time; given up: bob@example.org" },
    { at: iso(7), what: "notice", detail: "failure about bob@example.org: counted for the next digest" },
  ]);
  expect(page).toMatch(/^held {8}\d{4}-.*: wrong\\x1b\[31mtemplate$/m);
  expect(page).not.toContain("\x1b");
});

test("under a list stands a line for each reason why mail does not flow", () => {
  const at = new Date(2030, 0, 1, 14, 7, 20);
  const reasons = [
    { reason: "portal is stopped: 535 5.7.8 no", nextProbe: at.toISOString() },
    { reason: "Redis does not answer: mail is taken, and waits", nextProbe: null },
  ];
  const warnings = ["the config file was refused\u001b[2J"];
  expect(healthLines({ ok: false, reasons, warnings })).toEqual([
    "-- portal is stopped: 535 5.7.8 no; next probe at 14:07:20",
    "-- Redis does not answer: mail is taken, and waits",
    "-- the config file was refused\\x1b[2J",
  ]);
  expect(healthLines({ ok: true, reasons: [], warnings: [] })).toEqual([]);
});
