import { appendFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Journal, type JournalLine } from "../../../src/journal/journal.ts";
import { chargesOfLastHour, wasFinished } from "../../../src/journal/questions.ts";
import { readJournal } from "../../../src/journal/read.ts";
import { testFolder } from "../../support/folder.ts";
import { address } from "../../support/messages.ts";

const NOON = Date.parse("2026-03-01T12:00:00Z");
const iso = (ms: number) => new Date(ms).toISOString();

async function newJournal(folder: string, now: () => number): Promise<Journal> {
  const journal = await Journal.open({ folder, historyMs: 2 * 86_400_000, now });
  onTestFinished(() => journal[Symbol.asyncDispose]());
  return journal;
}

type DeliveredLine = Extract<JournalLine, { event: "delivered" }>;

function delivered(id: string, atMs: number, account = "portal"): DeliveredLine {
  return {
    at: iso(atMs),
    event: "delivered",
    id,
    account,
    sender: address("a@lab.example"),
    recipients: [address("b@example.org")],
    upstream: "u",
    session: "s",
    charged: 1,
    delay: 1,
    reply: { code: 250, text: "250 ok" },
    sizeBytes: 10,
  };
}

async function all(folder: string, fromMs: number, toMs: number): Promise<string[]> {
  const ids: string[] = [];
  for await (const line of readJournal(folder, { fromMs, toMs }))
    if ("id" in line && line.id) ids.push(line.id);
  return ids;
}

test("lines appended at once are all there, in order, a file a day", async () => {
  const folder = await testFolder();
  let now = NOON;
  const journal = await newJournal(folder, () => now);
  await Promise.all([1, 2, 3].map((n) => journal.append(delivered(`m${n}`, now))));
  now += 86_400_000;
  await journal.append(delivered("m4", now));
  expect(await readdir(folder)).toEqual(["2026-03-01.jsonl", "2026-03-02.jsonl"]);
  expect(await all(folder, NOON, now)).toEqual(["m1", "m2", "m3", "m4"]);
  expect(await all(folder, NOON + 1, now)).toEqual(["m4"]);
});

test("a line torn by a crash is passed over and the next stays whole", async () => {
  const folder = await testFolder();
  await writeFile(
    join(folder, "2026-03-01.jsonl"),
    `${JSON.stringify(delivered("m1", NOON))}\n{"at":"2026-03`,
  );
  const journal = await newJournal(folder, () => NOON);
  await journal.append(delivered("m2", NOON));
  expect(await all(folder, NOON, NOON)).toEqual(["m1", "m2"]);
});

test("days beyond the history are deleted with their index, other files are left alone", async () => {
  const folder = await testFolder();
  const old = ["2026-02-20.idx", "2026-02-20.jsonl"];
  const kept = ["2026-02-28.idx", "2026-02-28.jsonl", "notes.txt"];
  for (const name of [...old, ...kept]) await appendFile(join(folder, name), "");
  await newJournal(folder, () => NOON);
  expect(await readdir(folder)).toEqual(kept);
});

const portal = { account: "portal", credential: "c1" };

test("the charges of the last hour, and of the seconds that a MAIL may come later, are counted for one account only", async () => {
  const folder = await testFolder();
  const journal = await newJournal(folder, () => NOON);
  await journal.append(delivered("old", NOON - 3_605_001));
  await journal.append(delivered("m1", NOON - 3_604_000));
  await journal.append({ ...delivered("free", NOON), charged: 0 });
  const charge = { recipients: 3, bytes: 700, class: "urgent", at: iso(NOON - 2000) } as const;
  await journal.append({ ...delivered("m2", NOON), charge });
  await journal.append(delivered("m3", NOON, "other"));
  expect(await chargesOfLastHour(folder, portal, NOON)).toEqual([
    { atMs: NOON - 3_604_000, recipients: 1, bytes: 10, class: "bulk" },
    { atMs: NOON - 2000, recipients: 3, bytes: 700, class: "urgent" },
  ]);
});

test("the charges of a credential count whatever its account was called, and those of another one do not", async () => {
  const folder = await testFolder();
  const journal = await newJournal(folder, () => NOON);
  const charge = { recipients: 1, bytes: 1, class: "bulk", at: iso(NOON) } as const;
  await journal.append({ ...delivered("m1", NOON, "former"), charge: { ...charge, credential: "c1" } });
  await journal.append({ ...delivered("m2", NOON), charge: { ...charge, credential: "c2" } });
  const found = await chargesOfLastHour(folder, portal, NOON);
  expect(found).toEqual([{ atMs: NOON, recipients: 1, bytes: 1, class: "bulk", credential: "c1" }]);
});

test("an attempt that an older version wrote down, which does not say what it weighed, counts as far as it tells", async () => {
  const folder = await testFolder();
  const journal = await newJournal(folder, () => NOON);
  const { reply, sizeBytes, ...attempt } = delivered("m1", NOON);
  const recipients = ["b", "c"].map((name) => address(`${name}@example.org`));
  const next = iso(NOON);
  await journal.append({ ...attempt, event: "deferred", recipients, reply, reason: "later", next });
  const [charge] = await chargesOfLastHour(folder, portal, NOON);
  expect(charge).toEqual({ atMs: NOON, recipients: 2, bytes: 1, class: "bulk" });
});

test("a line that somebody spoilt is no charge, and stops nobody who adds them up", async () => {
  const folder = await testFolder();
  const journal = await newJournal(folder, () => NOON);
  const { recipients, ...spoilt } = delivered("m1", NOON);
  await journal.append(spoilt as JournalLine);
  await journal.append({ ...delivered("m2", NOON), charge: { at: "yesterday" } } as unknown as JournalLine);
  await journal.append(delivered("m3", NOON));
  expect(await chargesOfLastHour(folder, portal, NOON)).toHaveLength(1);
});

test("a message counts as finished when the journal says so, and not because it was delivered to somebody", async () => {
  const folder = await testFolder();
  const journal = await newJournal(folder, () => NOON);
  await journal.append(delivered("m1", NOON));
  expect(await wasFinished(folder, { id: "m1", acceptedMs: NOON - 1000 }, NOON)).toBe(false);
  await journal.append({
    at: iso(NOON),
    event: "finished",
    id: "m1",
    account: "portal",
    sender: address("a@lab.example"),
  });
  expect(await wasFinished(folder, { id: "m1", acceptedMs: NOON - 1000 }, NOON)).toBe(true);
});

test("a message that was deleted is over too: a job that is left behind is no alarm", async () => {
  const folder = await testFolder();
  const journal = await newJournal(folder, () => NOON);
  const deleted = {
    event: "deleted",
    id: "m2",
    account: null,
    sender: null,
    reason: "deleted by an operator",
  } as const;
  await journal.append({ at: iso(NOON), ...deleted, by: "operator" });
  expect(await wasFinished(folder, { id: "m2", acceptedMs: NOON - 1000 }, NOON)).toBe(true);
});
