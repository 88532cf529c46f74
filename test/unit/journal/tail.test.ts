import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { advanced, isBefore, type Marks, readOn } from "../../../src/journal/tail.ts";
import { testFolder } from "../../support/folder.ts";
import { accepted, write } from "../../support/journal-lines.ts";

/** The times of the lines behind the marks, and the marks after them. */
async function rest(folder: string, marks: Marks = {}): Promise<{ times: string[]; marks: Marks }> {
  const times: string[] = [];
  let now = marks;
  for await (const piece of readOn(folder, marks, () => true)) {
    times.push(...piece.lines.map(({ line }) => line.at));
    now = advanced(now, piece);
  }
  return { times, marks: now };
}

test("each line of the journal comes once, over days and over pieces", async () => {
  const folder = await testFolder();
  const times = Array.from({ length: 2000 }, (_, n) =>
    new Date(Date.UTC(2026, 6, 1) + n * 60_000).toISOString(),
  );
  await write(folder, ...times.slice(0, 1500).map((at) => accepted(at, 3)));
  const first = await rest(folder);
  expect(first.times).toEqual(times.slice(0, 1500));
  await write(folder, ...times.slice(1500).map((at) => accepted(at, 3)));
  expect((await rest(folder, first.marks)).times).toEqual(times.slice(1500));
});

test("a line that is being written comes when it is whole, one that a crash tore never", async () => {
  const folder = await testFolder();
  const file = join(folder, "2026-07-01.jsonl");
  const text = JSON.stringify(accepted("2026-07-01T10:00:00.000Z"));
  await appendFile(file, text.slice(0, 30));
  const before = await rest(folder);
  expect(before.times).toEqual([]);
  await appendFile(file, `${text.slice(30)}\n${text.slice(0, 20)}\n${text}\n`);
  expect((await rest(folder, before.marks)).times).toHaveLength(2);
});

test("the file of yesterday is read on when a clock goes back over midnight", async () => {
  const folder = await testFolder();
  await write(folder, accepted("2026-07-01T23:59:00.000Z"), accepted("2026-07-02T00:01:00.000Z"));
  const { marks } = await rest(folder);
  await write(folder, accepted("2026-07-01T23:59:30.000Z"));
  expect((await rest(folder, marks)).times).toEqual(["2026-07-01T23:59:30.000Z"]);
});

test("marks say what is before them, days that are too old for a mark included", () => {
  const marks = ["01", "02", "03", "04"].reduce<Marks>(
    (all, day) => advanced(all, { day: `2026-07-${day}`, end: 100 }),
    {},
  );
  expect(Object.keys(marks)).toEqual(["2026-07-02", "2026-07-03", "2026-07-04"]);
  expect(isBefore(marks, "2026-07-01", 5000)).toBe(true);
  expect(isBefore(marks, "2026-07-03", 100)).toBe(true);
  expect(isBefore(marks, "2026-07-03", 101)).toBe(false);
  expect(isBefore(marks, "2026-07-05", 1)).toBe(false);
  expect(isBefore({}, "2026-07-01", 1)).toBe(false);
});

test("without a journal nothing comes", async () => {
  expect((await rest(join(await testFolder(), "nowhere"))).times).toEqual([]);
});
