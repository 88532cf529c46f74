import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { idsInQueue, listQueue, type QueueFilter } from "../../../src/control/queue-scan.ts";
import { type QueueSource, showMessage } from "../../../src/control/queue-view.ts";
import { formatEntry, formatRecord, type SpoolEntry, type SpoolRecord } from "../../../src/spool/entry.ts";
import { queueIdMaker } from "../../../src/spool/queue-id.ts";
import { address, entryFor, WIRE } from "../../support/messages.ts";
import { testSpool } from "../../support/spool.ts";

const T = Date.UTC(2030, 0, 1);
const MINUTE_MS = 60_000;
const HELD: SpoolRecord = { at: T, event: "held", reason: "wait" };
const BOUNCED: SpoolRecord = {
  at: T,
  event: "bounced",
  recipients: [address("bob@example.org")],
  reason: "out of date",
};

/** A queue with a message a minute, the last one `T` ago; each as it is described. */
async function queue(messages: readonly { entry?: Partial<SpoolEntry>; records?: readonly SpoolRecord[] }[]) {
  const { spool, folder } = await testSpool();
  let atMs = T - messages.length * MINUTE_MS;
  const newId = queueIdMaker({ now: () => atMs, random: () => 0 });
  const ids = messages.map(({ entry, records = [] }) => {
    const id = newId();
    const wire = [formatEntry(entryFor(id, { timeMs: atMs, ...entry }), WIRE.length), WIRE];
    writeFileSync(join(folder, id), Buffer.concat(wire));
    for (const record of records) appendFileSync(join(folder, id), formatRecord(record));
    atMs += MINUTE_MS;
    return id;
  });
  const source: QueueSource = {
    spool,
    now: () => T,
    active: () => false,
    outlook: async () => undefined,
    pairStopped: () => undefined,
  };
  return { ids, source, glance: vi.spyOn(spool, "glance") };
}

const from = (sender: string, ...recipients: string[]) => ({
  envelope: { sender: address(sender), recipients: recipients.map(address) },
});

test.each<[string, QueueFilter, number[]]>([
  ["nothing", {}, [0, 1, 2, 3]],
  ["a state", { state: "held" }, [1]],
  ["part of the sender, in any case", { sender: "NEWS@" }, [1, 2]],
  ["part of any recipient, in any case", { recipient: "Carol" }, [2]],
  ["an account, exactly", { account: "port" }, []],
  ["an account, whole", { account: "crm" }, [3]],
  ["a user nobody is", { user: "www-data" }, []],
  ["an age", { olderThanMs: 3 * MINUTE_MS }, [0, 1]],
  ["two things at once", { sender: "news", state: "incoming" }, [2]],
  ["what can be held", { verb: "hold" }, [0, 2]],
  ["what can be released", { verb: "release" }, [1]],
  ["what can be given up", { verb: "bounce" }, [0, 1, 2]],
  ["what can be retried", { verb: "retry" }, [0, 2, 3]],
  ["what can be deleted", { verb: "delete" }, [0, 1, 2, 3]],
])("a filter for %s lets those through", async (_, filter, expected) => {
  const { ids, source } = await queue([
    { entry: from("app@lab.example", "bob@example.org") },
    { entry: from("news@lab.example", "bob@example.org"), records: [HELD] },
    { entry: from("News@lab.example", "bob@example.org", "carol@example.org") },
    { entry: { account: "crm" }, records: [BOUNCED] },
  ]);
  const wanted = expected.map((index) => ids[index]);
  const page = { limit: 10 };
  expect((await listQueue(source, filter, page)).rows.map(({ id }) => id)).toEqual(wanted);
  expect(await idsInQueue(source, filter, page)).toEqual({ ids: wanted, next: null });
});

test("pages go on where the last one ended, and the last one says that it is", async () => {
  const { ids, source } = await queue(Array.from({ length: 7 }, () => ({})));
  const first = await listQueue(source, {}, { limit: 4 });
  expect(first).toMatchObject({ more: true, next: ids[3] });
  const rest = await listQueue(source, {}, { limit: 4, after: first.next as string });
  expect(rest.rows.map(({ id }) => id)).toEqual(ids.slice(4));
  expect(rest).toMatchObject({ more: false, next: null });
  expect(await listQueue(source, {}, { limit: 7 })).toMatchObject({ more: false, next: null });
  expect(await listQueue(source, {}, { limit: 4, after: ids[6] as string })).toMatchObject({
    rows: [],
    next: null,
  });
});

test("without a filter hardly more files are opened than are shown, and an age ends a scan early", async () => {
  const { source, glance } = await queue(Array.from({ length: 200 }, () => ({})));
  await listQueue(source, {}, { limit: 10 });
  expect(glance.mock.calls.length).toBeLessThanOrEqual(32);
  glance.mockClear();
  const { rows } = await listQueue(source, { olderThanMs: 190 * MINUTE_MS }, { limit: 100 });
  expect(rows).toHaveLength(11);
  expect(glance.mock.calls.length).toBeLessThanOrEqual(32);
});

test("what is active is found without opening any other file", async () => {
  const { ids, source, glance } = await queue(Array.from({ length: 100 }, () => ({})));
  const active = { ...source, active: (id: string) => id === ids[70] };
  const { rows, next } = await listQueue(active, { state: "active" }, { limit: 10 });
  expect([rows.map(({ id }) => id), next]).toEqual([[ids[70]], null]);
  expect(glance).toHaveBeenCalledTimes(1);
});

test("a scan that takes long finds nothing yet and says where to go on; slice by slice all is looked at", async () => {
  const { ids, source, glance } = await queue(
    Array.from({ length: 100 }, (_, n) => (n === 99 ? { records: [HELD] } : {})),
  );
  let nowMs = T;
  const slow = {
    ...source,
    now: () => {
      nowMs += 50;
      return nowMs;
    },
  };
  const slices: string[][] = [];
  for (let after: string | undefined; ; ) {
    const page = { limit: 10, ...(after === undefined ? {} : { after }) };
    const slice = await idsInQueue(slow, { state: "held" }, page);
    slices.push(slice.ids);
    if (slice.next === null) break;
    after = slice.next;
  }
  expect(slices.length).toBeGreaterThan(1);
  expect(slices.slice(0, -1).flat()).toEqual([]);
  expect(slices.at(-1)).toEqual([ids[99]]);
  expect(glance).toHaveBeenCalledTimes(100);
});

test("while 20,000 files are looked at, somebody who asks for one message is answered", async () => {
  const { ids, source } = await queue([{}]);
  const [id = ""] = ids;
  const many = {
    ids: async () => Array.from({ length: 20_000 }, (_, n) => id.slice(0, -5) + String(n).padStart(5, "0")),
    glance: () => source.spool.glance(id), // one file again and again: writing 20,000 takes long
  };
  let scanned = false;
  const scan = listQueue({ ...source, spool: many }, { sender: "nobody" }, { limit: 10 }).then((found) => {
    scanned = true;
    return found;
  });
  for (let asked = 0; asked < 5; asked++) {
    expect((await showMessage(source, id))?.id).toBe(id);
    expect(scanned).toBe(false);
  }
  expect(await scan).toMatchObject({ rows: [], next: null });
});

test("an account is asked once for all the rows that wait, and only for those that are shown", async () => {
  const { ids, source } = await queue([{}, { records: [HELD] }, {}, { entry: { account: null } }, {}]);
  const expectedMs = T + MINUTE_MS;
  const asked: [string, string[]][] = [];
  const outlook: QueueSource["outlook"] = async (account, messages) => {
    asked.push([account, messages.map(({ id }) => id)]);
    return { reason: () => "paced", expectedMs: () => expectedMs };
  };
  const { rows } = await listQueue({ ...source, outlook }, {}, { limit: 4 });
  expect(asked).toEqual([["portal", [ids[0], ids[2]]]]);
  expect(rows.map(({ nextAttempt }) => nextAttempt !== null)).toEqual([true, false, true, false]);
});
