/**
 * The documents against the code: what they name is there, and each can be read in one sitting.
 *
 * A path is a code span that begins with `src/` or `test/`; the code span right after it is a name to be found in
 * that file; events are the code spans after the word event or events.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const MAX_LINES = 150;
/** Made from the schema, as long as the schema is. */
const GENERATED = "docs/config.md";

interface Page {
  readonly path: string;
  readonly text: string;
}

const pages: Page[] = ["README.md", ...markdownIn("docs")]
  .filter((path) => existsSync(join(ROOT, path)))
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));

const events = eventsOf(read("src/observe/events.ts"), read("src/observe/facts.ts"));

function markdownIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name));
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** The agent's own events, and the facts of mail. */
function eventsOf(agentEvents: string, facts: string): ReadonlySet<string> {
  const union = /export type AgentEvent =([^;]*);/.exec(agentEvents)?.[1] ?? "";
  const names = [...union.matchAll(/"([a-z-]+)"/g), ...facts.matchAll(/readonly event: "([a-z-]+)"/g)];
  return new Set(names.map(([, name]) => name as string));
}

function missingPaths({ path, text }: Page): string[] {
  return [...text.matchAll(/`((?:src|test)\/[\w./-]+\.(?:ts|lua))`/g)]
    .map(([, named]) => named as string)
    .filter((named) => !existsSync(join(ROOT, named)))
    .map((named) => `${path} names ${named}`);
}

function missingNames({ path, text }: Page): string[] {
  return [...text.matchAll(/`(src\/[\w./-]+\.ts)` `(#?\w+)`/g)].flatMap(([, file = "", name = ""]) => {
    const found = existsSync(join(ROOT, file)) && new RegExp(`(?<!\\w)${name}\\b`).test(read(file));
    return found ? [] : [`${path} names ${name} in ${file}`];
  });
}

/** Relative links, their anchors left out. */
function brokenLinks({ path, text }: Page): string[] {
  return [...text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)]
    .map(([, target]) => target as string)
    .filter((target) => !/^[a-z]+:/i.test(target))
    .filter((target) => !existsSync(resolve(ROOT, dirname(path), target)))
    .map((target) => `${path} links to ${target}`);
}

function namedEvents(text: string): string[] {
  const lists = text.matchAll(/\bevents? ((?:`[a-z-]+`(?:, | or | and )?)+)/gi);
  return [...lists].flatMap(([, list = ""]) =>
    [...list.matchAll(/`([a-z-]+)`/g)].map(([, name]) => name as string),
  );
}

function unknownEvents({ path, text }: Page): string[] {
  return namedEvents(text)
    .filter((name) => !events.has(name))
    .map((name) => `${path} names the event ${name}`);
}

test("every file, and every name in a file, that a document names is there", () => {
  expect(pages.flatMap((page) => [...missingPaths(page), ...missingNames(page)])).toEqual([]);
});

test("every relative link of a document leads somewhere", () => {
  expect(pages.flatMap(brokenLinks)).toEqual([]);
});

test("every event that a document names is one of src/observe", () => {
  expect(pages.flatMap(unknownEvents)).toEqual([]);
});

test("a document stays under 150 lines, but for the one that is generated", () => {
  const long = pages.filter(({ path, text }) => path !== GENERATED && text.split("\n").length > MAX_LINES);
  expect(long.map(({ path }) => path)).toEqual([]);
});

test("the checks see what they are to see", () => {
  const page = (text: string): Page => ({ path: "docs/x.md", text });
  expect(missingPaths(page("`src/agent.ts` and `src/nowhere.ts`"))).toHaveLength(1);
  expect(missingNames(page("`src/agent.ts` `startAgent`, `src/agent.ts` `endAgent`"))).toHaveLength(1);
  expect(missingNames(page("`src/intake/listener.ts` `#accept` and `#reject`"))).toHaveLength(0);
  expect(brokenLinks(page("[a](config.md#x) [b](https://example.org) [c](nowhere.md)"))).toHaveLength(1);
  expect(unknownEvents(page("event `accepted`, events `held` and `exploded`"))).toHaveLength(1);
  expect(namedEvents("events `stopping`, `stopped`, within `stopTimeout`")).toEqual(["stopping", "stopped"]);
  expect(events.size).toBeGreaterThan(15);
  expect(pages.flatMap(({ text }) => namedEvents(text)).length).toBeGreaterThan(20);
});
