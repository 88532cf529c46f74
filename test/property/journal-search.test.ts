/** Whatever stands in the journal, and however far it is indexed: a search finds what reading every line finds. */
import { appendFile, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { journalDays } from "../../src/journal/days.ts";
import { Indexer } from "../../src/journal/indexer.ts";
import { Journal, type JournalLine } from "../../src/journal/journal.ts";
import { parseLine } from "../../src/journal/lines.ts";
import { searchDay } from "../../src/journal/search.ts";
import { termOf, termsOf } from "../../src/journal/terms.ts";
import { makeFolder } from "../support/make-folder.ts";
import { soaked } from "../support/runs.ts";

const DAY_MS = 86_400_000;
const HISTORY_MS = 2 * DAY_MS;
const NAMES = ["ann", "Bob", '"c \\\\" d"', "é", "\u0000", "x".repeat(60), "1m84xr46400t1k", ""];
const DOMAINS = ["@example.org", "@EXAMPLE.org", "@lab.example", "@ü.example", ""];

const name = fc.constantFrom(...NAMES);
const person = fc.tuple(name, fc.constantFrom(...DOMAINS)).map((parts) => parts.join(""));
const fact = fc.record(
  {
    event: fc.constantFrom("accepted", "delivered", "rejected", "finished"),
    id: name,
    messageId: person.map((text) => `<${text}>`),
    sender: fc.oneof(person, fc.constant(null)),
    from: person,
    recipients: fc.array(person, { maxLength: 3 }),
    notice: fc.record({ kind: fc.constant("failure"), of: fc.oneof(name, fc.constant(null)) }),
    reply: fc.string(),
    // So that a few facts fill a block, and one may be longer than one.
    padding: fc.constantFrom(0, 30, 6_000, 45_000),
  },
  { requiredKeys: ["event"] },
);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("append" as const), facts: fc.array(fact, { maxLength: 8 }) }),
  },
  { weight: 3, arbitrary: fc.constant({ do: "index" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "next day" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "clock back" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "torn line" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("cut" as const),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("lose index" as const),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const wanted = fc.array(
  fc.oneof(name, person, fc.constantFrom("@example.org", "@lab.example", "@ü.example")),
  {
    minLength: 1,
    maxLength: 12,
  },
);

/** The journal of a host: what happens to it, step by step. */
class Host {
  readonly folder: string;
  #nowMs = Date.UTC(2026, 6, 1, 12);
  #journal: Journal | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  async take(step: Step): Promise<void> {
    const [day = "2026-07-01"] = (await journalDays(this.folder)).slice(-1);
    const file = join(this.folder, `${day}.jsonl`);
    switch (step.do) {
      case "append":
        await this.#open();
        for (const one of step.facts) {
          const padding = "ann@example.org ".repeat(one.padding ?? 0);
          const line = { at: new Date(this.#nowMs).toISOString(), ...one, padding };
          await this.#journal?.append(line as unknown as JournalLine);
        }
        return;
      case "index": {
        const indexer = new Indexer({ folder: this.folder, onTrouble: () => {} });
        await indexer.build();
        return indexer[Symbol.asyncDispose]();
      }
      case "next day":
        this.#nowMs += DAY_MS;
        return;
      case "clock back":
        this.#nowMs -= DAY_MS;
        return;
      case "torn line":
        return appendFile(file, '{"at":"2026-07-01T00:00:00.000Z","sender":"ann@exam');
      case "cut":
        await this.close();
        return truncate(file, Math.floor(step.part * (await readFile(file).catch(() => "")).length)).catch(
          () => {},
        );
      case "lose index": {
        const index = file.replace(/jsonl$/, "idx");
        const bytes = await readFile(index).catch(() => undefined);
        return bytes && writeFile(index, bytes.subarray(0, Math.floor(step.part * bytes.length)));
      }
    }
  }

  async close(): Promise<void> {
    await this.#journal?.[Symbol.asyncDispose]();
    this.#journal = undefined;
  }

  async #open(): Promise<void> {
    this.#journal ??= await Journal.open({
      folder: this.folder,
      historyMs: HISTORY_MS,
      now: () => this.#nowMs,
    });
  }
}

/** Every line of the day, from its end, by the book. */
async function naive(folder: string, day: string, terms: ReadonlySet<string>): Promise<unknown[]> {
  const lines = (await readFile(join(folder, `${day}.jsonl`), "utf8")).split("\n").map(parseLine);
  return lines.filter((line) => termsOf(line).some((term) => terms.has(term))).reverse();
}

async function searched(folder: string, day: string, terms: ReadonlySet<string>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const { line } of searchDay(folder, day, terms)) found.push(line);
  return found;
}

test("a search finds what reading every line finds", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), wanted, async (steps, names) => {
      const folder = await makeFolder();
      const host = new Host(folder);
      try {
        for (const one of steps) await host.take(one);
        const terms = new Set(names.map(termOf).filter((term) => term !== ""));
        for (const day of await journalDays(folder))
          expect(await searched(folder, day, terms)).toEqual(await naive(folder, day, terms));
      } finally {
        await host.close();
        await rm(folder, { recursive: true });
      }
    }),
    { numRuns: soaked(60) },
  );
});
