/** What no source of the pages may do: parse a stranger's text as HTML, run it, keep it, or ask anybody else. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const PAGE = resolve(import.meta.dirname, "../../../../src/web/page");
const FORBIDDEN =
  /\b(innerHTML|outerHTML|insertAdjacentHTML|setHTML\w*|document\.write|createContextualFragment|DOMParser|eval|new Function|cssText)\b|https?:\/\/(?!www\.w3\.org\/2000\/svg)|<[^>]*\s(style|on\w+)=/;

const sources = readdirSync(PAGE)
  .filter((name) => /\.(ts|html|css|svg)$/.test(name))
  .map((name) => ({ name, text: readFileSync(join(PAGE, name), "utf8") }));

test("text becomes HTML nowhere, and no address of anybody else stands in the page", () => {
  expect(sources.length).toBeGreaterThan(20);
  expect(sources.filter(({ text }) => FORBIDDEN.test(text)).map(({ name }) => name)).toEqual([]);
  for (const bad of ["x.innerHTML = y", '<p style="x">', '<img onerror="x">', "https://cdn.example/x.js"])
    expect(bad).toMatch(FORBIDDEN);
});

test("what a browser loads imports its own folder at run time, and types alone from elsewhere", () => {
  const imports = /^(?:import|export)\s+(?!type\b)[^;]*?from "(?!\.\/)[^"]+"/m;
  expect(sources.filter(({ text }) => imports.test(text)).map(({ name }) => name)).toEqual([]);
  expect('import { a } from "../../mail/reply.ts";').toMatch(imports);
});

test("a script of the page is a file of ours, and storage is the theme's alone", () => {
  for (const { name, text } of sources.filter((source) => source.name.endsWith(".html"))) {
    expect({ name, scripts: text.match(/<script(?![^>]*\ssrc="\/)[^>]*>/g) }).toEqual({
      name,
      scripts: null,
    });
  }
  const keepers = sources.filter(({ text }) =>
    /localStorage|sessionStorage|indexedDB|document\.cookie/.test(text),
  );
  expect(keepers.map(({ name }) => name)).toEqual(["theme.ts"]);
});
