/**
 * The operator's page against the code: its tables name exactly the events and doctor's lines that there are, with their
 * levels, and the parts of trouble that the code tells. Its commands are run by test/e2e/questions.test.ts.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { CHECKS } from "../../src/doctor/finding.ts";
import { rowsUnder } from "../support/operations-page.ts";

const SRC = resolve(import.meta.dirname, "../../src");
const read = (path: string) => readFileSync(join(SRC, path), "utf8");
const matches = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, name]) => name as string);
const unique = (names: readonly string[]) => [...new Set(names)].sort();

const facts = matches(read("observe/facts.ts"), /readonly event: "([a-z-]+)"/g);
const union = /export type AgentEvent =([^;]*);/.exec(read("observe/events.ts"))?.[1] ?? "";
const events = [
  ...facts,
  ...matches(union, /"([a-z-]+)"/g),
  ...matches(read("cli/run.ts"), /event: "([a-z-]+)"/g),
];

/** All the parts that some file reports trouble of. */
function partsOfTrouble(): string[] {
  const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  return files
    .map(read)
    .flatMap((text) => [
      ...matches(text, /report\("trouble", \{ part: "([a-z ]+)"/g),
      ...matches(text, /\btrouble\("([a-z ]+)"\)/g),
    ]);
}

test("the table of events names exactly the events there are", () => {
  expect(unique(rowsUnder("Log events", "event").map(([event = ""]) => event))).toEqual(
    unique(events.map((event) => `\`${event}\``)),
  );
});

test("the table of events has each once, and refusals and losses as warnings", () => {
  const rows = rowsUnder("Log events", "event");
  expect(rows).toHaveLength(unique(events).length);
  const warned = /const WARNINGS.*new Set\(\[([^\]]*)\]/.exec(read("observe/events.ts"))?.[1] ?? "";
  for (const name of matches(warned, /"([a-z]+)"/g))
    expect(rows.find(([event]) => event === `\`${name}\``)?.[1]).toBe("warn");
  expect(matches(warned, /"([a-z]+)"/g)).toContain("rejected");
});

test("the table of trouble names exactly the parts there are", () => {
  const named = rowsUnder("Log events", "trouble, part").flatMap(([parts = ""]) => parts.split(", "));
  expect(unique(named)).toEqual(unique(partsOfTrouble()));
});

test("the table of doctor names exactly its lines, in their order", () => {
  expect(rowsUnder("Doctor", "line").map(([line]) => line)).toEqual(CHECKS.map((check) => `\`${check}\``));
});

test("the tables are there to be checked", () => {
  expect(events.length).toBeGreaterThan(20);
  expect(partsOfTrouble().length).toBeGreaterThan(15);
  expect(rowsUnder("Nowhere", "line")).toEqual([]);
});
