import { appendFile, cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { UsageDay } from "../../../src/usage/day.ts";
import { UsageFiles } from "../../../src/usage/files.ts";
import { Ledger } from "../../../src/usage/ledger.ts";
import { readUsage } from "../../../src/usage/records.ts";
import { usageRows } from "../../../src/usage/rows.ts";
import { testFolder } from "../../support/folder.ts";
import { accepted, charged, write } from "../../support/journal-lines.ts";

afterEach(() => vi.restoreAllMocks());

const NOW = Date.parse("2026-07-02T12:00:00Z");
const JULY = [Date.parse("2026-07-01"), Date.parse("2026-08-01")] as const;

async function parts(changes: { now?: number; keepMs?: number; instance?: string } = {}) {
  const folder = await testFolder();
  const troubles: string[] = [];
  return {
    troubles,
    folder: join(folder, "usage"),
    journalFolder: join(folder, "journal"),
    keepMs: changes.keepMs ?? 400 * 86_400_000,
    origin: { host: "app01.lab.example", instance: changes.instance ?? "aaaaaaaaaaaa" },
    now: () => changes.now ?? NOW,
    onTrouble: (reason: string) => void troubles.push(reason),
  };
}

type Parts = Awaited<ReturnType<typeof parts>>;

/** Messages as the files alone say them, whatever the journal has since. */
async function onDisk({ folder }: Parts): Promise<number> {
  return counted(await readUsage({ folder, journalFolder: join(folder, "no journal") }, () => {}));
}

function counted(days: readonly UsageDay[]): number {
  return usageRows(days, { by: "day", starts: () => "01-01" }).reduce((all, row) => all + row.messages, 0);
}

function totalOf(ledger: Ledger): number {
  return [...ledger.totals("portal", ...JULY).values()].reduce((all, { messages }) => all + messages, 0);
}

test("what was charged counts at the time of its charge, also when it failed; what was not charged does not", async () => {
  const given = await parts();
  await write(
    given.journalFolder,
    charged({ at: "2026-07-02T00:05:00Z", chargedAt: "2026-07-01T23:59:00Z", recipients: 3, bytes: 500 }),
    charged({ at: "2026-07-02T10:00:00Z", event: "deferred" }),
    { ...charged({ at: "2026-07-02T10:00:00Z" }), charged: 0 } as ReturnType<typeof charged>,
    accepted("2026-07-02T10:00:00Z", 250),
    accepted("2026-07-02T10:00:00Z", 1, null),
  );
  await using ledger = new Ledger(given);
  await ledger.fold();
  const days = await readUsage(given, () => {});
  expect(usageRows(days, { by: "day", starts: () => "01-01" })).toMatchObject([
    { from: "2026-07-01T00:00:00.000Z", messages: 1, recipients: 3, bytes: 500 },
    { from: "2026-07-02T00:00:00.000Z", messages: 1, recipients: 1, bytes: 1000 },
  ]);
  // A message to 250 people takes three transactions; what no account is known for takes none.
  expect(
    days
      .at(-1)
      ?.minutesOf("portal")
      .map(({ accepted: count }) => count),
  ).toEqual([3]);
});

test("a fold adds what came since the last one, and writes nothing when nothing came", async () => {
  const given = await parts();
  await using ledger = new Ledger(given);
  await ledger.fold();
  expect(await readdir(given.folder)).toEqual([]);
  await write(given.journalFolder, charged({ at: "2026-07-02T10:00:00Z" }));
  await ledger.fold();
  await write(given.journalFolder, charged({ at: "2026-07-02T11:00:00Z" }));
  await Promise.all([ledger.fold(), ledger.fold()]);
  expect(totalOf(ledger)).toBe(2);
  expect(await onDisk(given)).toBe(2);
});

test("wherever a crash cuts a write off, the next start counts every line once", async () => {
  const lines = Array.from({ length: 6 }, (_, n) =>
    charged({
      at: "2026-07-02T10:00:00Z",
      chargedAt: n % 2 ? "2026-07-01T23:59:59Z" : "2026-07-02T10:00:00Z",
    }),
  );
  // A fold writes two days, then the marks. The crash comes before, between and after them.
  for (const after of [0, 1, 2, 3]) {
    const given = await parts();
    await write(given.journalFolder, lines[0] as never, lines[1] as never);
    await new Ledger(given)[Symbol.asyncDispose]();
    await write(given.journalFolder, ...lines.slice(2));
    const before = `${given.folder}.before`;
    await cp(given.folder, before, { recursive: true });
    await new Ledger(given)[Symbol.asyncDispose]();
    const inOrder = ["2026-07-01.aaaaaaaaaaaa.json", "2026-07-02.aaaaaaaaaaaa.json", "read.json"];
    for (const name of inOrder.slice(after)) await cp(join(before, name), join(given.folder, name));
    await using ledger = new Ledger(given);
    await ledger.fold();
    expect([after, totalOf(ledger), await onDisk(given)]).toEqual([after, 6, 6]);
  }
});

test("the days are in place before the marks that say so", async () => {
  const given = await parts();
  await write(given.journalFolder, charged({ at: "2026-07-02T10:00:00Z" }));
  await using ledger = new Ledger(given);
  vi.spyOn(UsageFiles.prototype, "write").mockRejectedValueOnce(new Error("ENOSPC"));
  await expect(ledger.fold()).rejects.toThrow("ENOSPC");
  await ledger.fold();
  expect([totalOf(ledger), await onDisk(given)]).toEqual([1, 1]);
});

test("lost marks cost nothing: the days know what is in them", async () => {
  const given = await parts();
  await write(
    given.journalFolder,
    charged({ at: "2026-07-01T10:00:00Z" }),
    charged({ at: "2026-07-02T10:00:00Z" }),
  );
  await new Ledger(given)[Symbol.asyncDispose]();
  await rm(join(given.folder, "read.json"));
  await write(given.journalFolder, charged({ at: "2026-07-02T11:00:00Z" }));
  await using ledger = new Ledger(given);
  await ledger.fold();
  expect(totalOf(ledger)).toBe(3);
});

test("a command sees what the agent has not added up yet, and writes nothing", async () => {
  const given = await parts();
  await write(given.journalFolder, charged({ at: "2026-07-02T10:00:00Z" }));
  await new Ledger(given)[Symbol.asyncDispose]();
  await write(given.journalFolder, charged({ at: "2026-07-02T10:01:00Z" }));
  expect(counted(await readUsage(given, () => {}))).toBe(2);
  expect(await onDisk(given)).toBe(1);
});

test("days older than keep.usage go, those of the journal that are younger stay out of it", async () => {
  const given = await parts({ keepMs: 30 * 86_400_000 });
  await write(
    given.journalFolder,
    charged({ at: "2026-05-01T10:00:00Z" }),
    charged({ at: "2026-07-02T10:00:00Z" }),
  );
  await using ledger = new Ledger(given);
  await ledger.fold();
  expect((await readdir(given.folder)).sort()).toEqual(["2026-07-02.aaaaaaaaaaaa.json", "read.json"]);
  expect(ledger.totals("portal", 0, NOW).size).toBe(0);
});

test("a state folder that got another instance id counts on beside what it has", async () => {
  const given = await parts();
  await write(given.journalFolder, charged({ at: "2026-07-02T10:00:00Z" }));
  await new Ledger(given)[Symbol.asyncDispose]();
  await write(given.journalFolder, charged({ at: "2026-07-02T11:00:00Z" }));
  await using ledger = new Ledger({ ...given, origin: { host: "other", instance: "bbbbbbbbbbbb" } });
  await ledger.fold();
  const totals = ledger.totals("portal", ...JULY);
  expect([...totals].map(([instance, { messages }]) => [instance, messages])).toEqual([
    ["aaaaaaaaaaaa", 1],
    ["bbbbbbbbbbbb", 1],
  ]);
});

test("a day that cannot be read is told and put aside, the others count on", async () => {
  const given = await parts();
  await write(
    given.journalFolder,
    charged({ at: "2026-07-01T10:00:00Z" }),
    charged({ at: "2026-07-02T10:00:00Z" }),
  );
  await new Ledger(given)[Symbol.asyncDispose]();
  await writeFile(join(given.folder, "2026-07-01.aaaaaaaaaaaa.json"), "{");
  await using ledger = new Ledger(given);
  await ledger.fold();
  expect(totalOf(ledger)).toBe(1);
  expect(given.troubles).toHaveLength(1);
  expect(await readdir(given.folder)).toContain("2026-07-01.aaaaaaaaaaaa.json.unreadable");
});

test("a busy day of ten senders is a file of some tens of kilobytes", async () => {
  const day = new UsageDay("2026-07-01", { host: "app01", instance: "aaaaaaaaaaaa" });
  const start = Date.parse("2026-07-01");
  for (let minute = 0; minute < 1440; minute++) {
    const atMs = start + minute * 60_000;
    day.accepted("portal", atMs, 30);
    const sender = `sender${minute % 10}@lab.example`;
    const sum = { messages: 33, recipients: 33, bytes: 165_000 };
    day.sent({ atMs, account: "portal", sender, user: "www-data", class: "bulk", ...sum });
  }
  const text = day.toText({ "2026-07-01": 1e9 });
  expect(text.length).toBeLessThan(64_000);
  expect(UsageDay.parse(text)?.toText({ "2026-07-01": 1e9 })).toBe(text);
});

test("lines that are no facts of ours do no harm", async () => {
  const given = await parts();
  await write(given.journalFolder, charged({ at: "2026-07-02T10:00:00Z" }));
  const odd =
    '{"event":"accepted"}\n"charged":1\n{"at":"x","event":"delivered","charged":1,"account":"portal"}\n';
  await appendFile(join(given.journalFolder, "2026-07-02.jsonl"), odd);
  await using ledger = new Ledger(given);
  await ledger.fold();
  expect(totalOf(ledger)).toBe(1);
  expect(await readFile(join(given.folder, "read.json"), "utf8")).toContain("2026-07-02");
});
