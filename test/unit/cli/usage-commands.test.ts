import { join } from "node:path";
import { expect, test } from "vitest";
import { UsageDay } from "../../../src/usage/day.ts";
import { UsageFiles } from "../../../src/usage/files.ts";
import { accepted, charged, write } from "../../support/journal-lines.ts";
import { folderWith, goodConfig } from "../config/folder.ts";
import { sluice } from "./command-line.ts";

const ORIGIN = { host: "app01", instance: "aaaaaaaaaaaa" };

/** A config whose state folder is empty, and its folder. */
function fresh(changes = ""): { file: string; state: string } {
  const folder = folderWith({ "sluice.yaml": "", password: "correct horse\n" });
  const state = join(folder, "state");
  const text = `${goodConfig}stateDir: ${state}\n${changes}`;
  return { file: join(folderWith({ "sluice.yaml": text }), "sluice.yaml"), state };
}

test("where nothing is recorded yet every command says so, and JSON is empty", async () => {
  const { file } = fresh();
  for (const command of ["usage", "plan"]) {
    expect(await sluice(command, "-c", file)).toMatchObject({
      code: 0,
      out: expect.stringContaining("Nothing is recorded yet"),
    });
    expect(JSON.parse((await sluice(command, "--json", "-c", file)).out)).toEqual([]);
  }
  expect((await sluice("usage", "--csv", "-c", file)).out).toMatch(/^from,to,account,[^\n]*\r\n$/);
  const sheet = await sluice("request-sheet", "-c", file);
  expect(sheet.out).toContain("nothing is recorded yet");
  expect(sheet.out).toContain("not said: set request.group in the config");
  expect(JSON.parse((await sluice("request-sheet", "--json", "-c", file)).out)).toMatchObject({
    group: null,
    recorded: null,
  });
});

test("the journal alone is enough: the agent need not have added anything up", async () => {
  const { file, state } = fresh();
  const today = new Date().toISOString();
  await write(join(state, "journal"), accepted(today, 250), charged({ at: today, user: "www-data" }));
  const rows = JSON.parse((await sluice("usage", "--json", "--per", "user", "-c", file)).out);
  expect(rows).toMatchObject([{ account: "portal", user: "www-data", messages: 1, peakHour: null }]);
  expect((await sluice("plan", "-c", file)).out).toMatch(/: 3 messages came in, at most 3 in any 60 minutes/);
});

test("usage says how much of the year's limits is used, and what the year comes to", async () => {
  const { file, state } = fresh();
  const files = new UsageFiles(join(state, "usage"), () => {});
  await files.make();
  const [from, days] = [Date.now() - 3 * 86_400_000, [0, 1, 2, 3]];
  for (const n of days) {
    const atMs = from + n * 86_400_000;
    const day = new UsageDay(new Date(atMs).toISOString().slice(0, 10), ORIGIN);
    const sum = { messages: 10, recipients: 10, bytes: 1000 };
    day.sent({ atMs, account: "portal", sender: "a@lab.example", user: null, class: "bulk", ...sum });
    await files.write([day], { ...ORIGIN, marks: {} });
  }
  const { out } = await sluice("usage", "--by", "month", "-c", file);
  expect(out).toMatch(/portal: the year from \d{4}-01-01 to \d{4}-12-31 has \d\d messages, /);
  expect(out).toMatch(/if it goes on as in the last 3 days: [\d,]+ messages, /);
});

test("an unknown account, a period or cap that is none, and CSV as JSON are refused with a sentence", async () => {
  const { file } = fresh();
  const refused = async (...args: string[]) => {
    const { code, err } = await sluice(...args, "-c", file);
    return [code, err.split("\n")[0]];
  };
  expect(await refused("usage", "--account", "nobody")).toEqual([
    1,
    "There is no account nobody: known are portal",
  ]);
  expect(await refused("usage", "--by", "week")).toEqual([
    64,
    expect.stringContaining("hour, day, month, year"),
  ]);
  expect(await refused("plan", "--per-hour", "1")).toEqual([
    64,
    expect.stringContaining("whole number from 2"),
  ]);
  expect(await refused("usage", "--csv", "--json")).toEqual([
    64,
    expect.stringContaining("cannot be used with"),
  ]);
});
