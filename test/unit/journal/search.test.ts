/** Searching the journal: with a good index, a bad one or none, it finds the same. */
import { appendFile, copyFile, mkdir, readFile, stat, truncate, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Indexer } from "../../../src/journal/indexer.ts";
import type { JournalLine } from "../../../src/journal/journal.ts";
import { searchDay } from "../../../src/journal/search.ts";
import { hashOf, termOf } from "../../../src/journal/terms.ts";
import { testFolder } from "../../support/folder.ts";
import { journalText, oneOf } from "../../support/journal-search.ts";

const DAY = "2026-07-01";
const LINES = 3000; // about three blocks

const file = (folder: string) => join(folder, `${DAY}.jsonl`);
const index = (folder: string) => join(folder, `${DAY}.idx`);

async function build(folder: string): Promise<void> {
  await using indexer = new Indexer({ folder, onTrouble: () => {} });
  await indexer.build();
}

async function find(folder: string, ...terms: string[]): Promise<string[]> {
  const found: string[] = [];
  for await (const { line } of searchDay(folder, DAY, new Set(terms.map(termOf)))) found.push(`${line.id}`);
  return found;
}

/** A folder with a day of `LINES` messages, one to each `user<n>@example.org`, indexed. */
async function indexed(): Promise<string> {
  const folder = await testFolder();
  await writeFile(file(folder), journalText(LINES));
  await build(folder);
  expect((await stat(index(folder))).size).toBeGreaterThan(1000);
  return folder;
}

test("a message is found by its id, Message-ID, sender, From, recipient and their domains, in any letter case", async () => {
  const folder = await indexed();
  const { id } = oneOf(7);
  const terms = [
    id,
    "<Mail7@App01.lab.example>",
    "mail7@app01.lab.example",
    "user7@example.org",
    "<USER7@Example.ORG>",
  ];
  for (const term of [...terms, "@dept7.example"])
    expect([term, await find(folder, term)]).toEqual([term, [id]]);
  for (const everyone of ["app@lab.example", "@lab.example", "@example.org"])
    expect(await find(folder, everyone)).toHaveLength(LINES);
  expect(await find(folder, "ser7@example.org", "example.org", "example", "accepted")).toEqual([]);
});

test("a message is found by what the client said, where policy made something else of it", async () => {
  const folder = await testFolder();
  const said = { sender: "cron@app01.internal", from: "Root@app01.internal", recipients: ["root"] };
  const line = { at: `${DAY}T00:00:00.000Z`, event: "accepted", id: "one", sender: "app@lab.example", said };
  await writeFile(file(folder), `${JSON.stringify(line)}\n`);
  for (const term of ["cron@app01.internal", "root@app01.internal", "@app01.internal", "root"])
    expect(await find(folder, term)).toEqual(["one"]);
  expect(await find(folder, "nobody@app01.internal")).toEqual([]);
});

test("the newest line comes first, and a search for many terms finds each", async () => {
  const folder = await indexed();
  const numbers = Array.from({ length: 50 }, (_, n) => n * 59);
  const ids = numbers.map((n) => oneOf(n).id);
  expect(await find(folder, ...numbers.map((n) => `user${n}@example.org`))).toEqual(ids.reverse());
});

test("blocks that the index rules out are not read", async () => {
  const folder = await indexed();
  // A name that came into the file behind the back of the index.
  const text = await readFile(file(folder), "latin1");
  await writeFile(file(folder), text.replace("user0@example.org", "userX@example.org"), "latin1");
  expect(await find(folder, "userX@example.org")).toEqual([]);
  await unlink(index(folder));
  expect(await find(folder, "userX@example.org")).toEqual([oneOf(0).id]);
});

test("two terms with one hash: what the index takes for the other one is not found", async () => {
  const folder = await testFolder();
  expect(hashOf("plumless")).toBe(hashOf("buckeroo"));
  await writeFile(file(folder), journalText(LINES, { 5: { messageId: "<plumless>" } }));
  await build(folder);
  expect(await find(folder, "plumless")).toEqual([oneOf(5).id]);
  expect(await find(folder, "buckeroo")).toEqual([]);
});

test("what was written since the index was built is found, also half of a block, and the next build adds it", async () => {
  const folder = await indexed();
  const { size } = await stat(index(folder));
  const more = { messageId: "<late@x>" };
  await appendFile(file(folder), JSON.stringify({ ...oneOf(1), id: "late", ...more }));
  expect(await find(folder, "late@x")).toEqual(["late"]);
  await appendFile(file(folder), `\n${journalText(LINES, {}, LINES)}`);
  expect(await find(folder, "user5999@example.org", "late")).toEqual([oneOf(5999).id, "late"]);
  await build(folder);
  expect((await stat(index(folder))).size).toBeGreaterThan(size);
  expect(await find(folder, "user5999@example.org", "late", "user3@example.org")).toEqual([
    oneOf(5999).id,
    "late",
    oneOf(3).id,
  ]);
});

test("a line longer than several blocks is found, with the index and without", async () => {
  const folder = await testFolder();
  const recipients = Array.from({ length: 40_000 }, (_, n) => `list${n}@example.org`);
  const long = JSON.stringify({ ...oneOf(LINES), recipients });
  await writeFile(file(folder), `${journalText(LINES)}${long}\n${journalText(LINES, {}, LINES + 1)}`);
  const terms = ["list39999@example.org", "user1@example.org", "user3001@example.org"];
  const ids = [oneOf(3001).id, oneOf(3000).id, oneOf(1).id];
  expect(await find(folder, ...terms)).toEqual(ids);
  await build(folder);
  expect(await find(folder, ...terms)).toEqual(ids);
  await unlink(file(folder));
  await writeFile(file(folder), `${long}\n`);
  expect(await find(folder, ...terms)).toEqual([oneOf(3000).id]);
});

test("torn lines, empty lines and JSON that is no fact are passed over, and hide nobody", async () => {
  const folder = await testFolder();
  const strange = ['{"at":"2026-', "", "null", "[]", "7", '"user1@example.org"', '{"id":7,"recipients":"x"}'];
  await writeFile(file(folder), `${strange.join("\n")}\n${journalText(LINES)}${strange.join("\n")}`);
  for (const _ of ["without the index", "with it"]) {
    expect(await find(folder, "user1@example.org")).toEqual([oneOf(1).id]);
    await build(folder);
  }
});

test("a notice is found by the id of the message it is about", async () => {
  const folder = await testFolder();
  await writeFile(
    file(folder),
    journalText(LINES, { 9: { notice: { kind: "failure", of: "1m84xr46400t1k" } } }),
  );
  await build(folder);
  expect(await find(folder, "1m84xr46400t1k")).toEqual([oneOf(9).id]);
});

test("an index that is torn, garbled, empty or of another version costs time, and nothing else", async () => {
  const folder = await indexed();
  const good = await readFile(index(folder));
  const flipped = (at: number) => {
    const bytes = Buffer.from(good);
    bytes[at] = (bytes[at] as number) ^ 1;
    return bytes;
  };
  const hostile = Buffer.from(good);
  hostile.writeUInt32LE(0xffffffff, 32 + 12); // a count beyond the file
  const endless = Buffer.from(good);
  endless.writeDoubleLE(Number.NaN, 32);
  const bad = {
    empty: Buffer.alloc(0),
    "another version": flipped(21),
    "cut in the head": good.subarray(0, 20),
    "cut in the first record": good.subarray(0, 500),
    "cut before its last byte": good.subarray(0, -1),
    "one bit of a hash": flipped(200),
    "one bit of the last checksum": flipped(good.length - 1),
    "a count beyond the file": hostile,
    "no number as end": endless,
    zeros: Buffer.alloc(good.length),
    "zeros behind": Buffer.concat([good, Buffer.alloc(5000)]),
    "noise behind": Buffer.concat([good, good.subarray(100, 700)]),
    text: Buffer.from("not an index\n".repeat(100)),
  };
  for (const [what, bytes] of Object.entries(bad)) {
    await writeFile(index(folder), bytes);
    expect([what, await find(folder, "user1@example.org")]).toEqual([what, [oneOf(1).id]]);
    await build(folder);
    expect([what, (await readFile(index(folder))).indexOf(good)]).toEqual([what, 0]);
  }
});

test("an index of a file that was cut, and grew again with other lines, is not believed", async () => {
  const folder = await indexed();
  const { size } = await stat(file(folder));
  await truncate(file(folder), size / 2);
  expect(await find(folder, "user1@example.org", "user2999@example.org")).toEqual([oneOf(1).id]);
  await appendFile(file(folder), `\n${journalText(LINES, {}, 10_000)}`);
  expect(await find(folder, "user12999@example.org", "user10001@example.org", "user1@example.org")).toEqual([
    oneOf(12_999).id,
    oneOf(10_001).id,
    oneOf(1).id,
  ]);
  await build(folder);
  expect(
    await find(folder, "user12999@example.org", "user10001@example.org", "user1@example.org"),
  ).toHaveLength(3);
  const other = "2026-07-02";
  await writeFile(join(folder, `${other}.jsonl`), journalText(LINES, {}, 20_000));
  await copyFile(index(folder), join(folder, `${other}.idx`));
  const found: JournalLine[] = [];
  for await (const { line } of searchDay(folder, other, new Set(["user20001@example.org"]))) found.push(line);
  expect(found).toHaveLength(1);
});

test("a day that is gone has nothing, one without a right to be indexed is told", async () => {
  const folder = await testFolder();
  expect(await find(folder, "user1@example.org")).toEqual([]);
  await writeFile(file(folder), journalText(LINES));
  await mkdir(index(folder)); // cannot be written
  await expect(build(folder)).rejects.toThrow();
  expect(await find(folder, "user1@example.org")).toEqual([oneOf(1).id]);
});

test("an aborted search ends with its reason", async () => {
  const folder = await indexed();
  const gone = new AbortController();
  const search = searchDay(folder, DAY, new Set([termOf("app@lab.example")]), gone.signal);
  await search.next();
  gone.abort(new Error("the asker is gone"));
  await expect(
    (async () => {
      for await (const _ of search);
    })(),
  ).rejects.toThrow("the asker is gone");
});
