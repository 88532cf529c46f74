import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { exampleFile } from "../../../src/config/example.ts";
import { checkConfig } from "../../../src/config/load.ts";
import { jsonSchema, manual } from "../../../src/config/manual.ts";
import { laterKeys, settingsSchema } from "../../../src/config/schema.ts";
import { bare, keysOf, knownPaths } from "../../../src/config/schema-walk.ts";
import { folderWith } from "./folder.ts";

const root = join(import.meta.dirname, "../../..");

test("config/sluice.example.yaml is what `sluice config --example` prints", () => {
  expect(readFileSync(join(root, "config/sluice.example.yaml"), "utf8")).toBe(exampleFile());
});

test("docs/config.md is what `sluice config --markdown` prints", () => {
  expect(readFileSync(join(root, "docs/config.md"), "utf8")).toBe(manual());
});

test("the example is valid and draws no warning, once there is a password", () => {
  const folder = folderWith({ password: "correct horse\n" });
  const text = exampleFile().replace("/etc/sluice/portal.password", join(folder, "password"));
  const named = text.replace("# hostname:", "hostname:");
  const file = join(folderWith({ "sluice.yaml": named }), "sluice.yaml");
  expect(checkConfig(file, {})).toMatchObject({ ok: true, warnings: [] });
});

test("every optional key of the example is valid too when its # is taken away", () => {
  const folder = folderWith({ password: "correct horse\n" });
  const text = exampleFile()
    .replace("/etc/sluice/portal.password", join(folder, "password"))
    .replace(/^( *)# ((?:hostname|hosts|port|security|ciphers|burst):)/gm, "$1$2");
  expect(text).toMatch(/^ {2}ciphers:/m);
  const file = join(folderWith({ "sluice.yaml": text }), "sluice.yaml");
  expect(checkConfig(file, {})).toMatchObject({ ok: true, warnings: [] });
});

test("every key has a description, in the example too", () => {
  const undescribed = (schema: Parameters<typeof keysOf>[0]): string[] =>
    keysOf(schema).flatMap(([key, part]) => [
      ...(bare(part).meta.description ? [] : [key]),
      ...undescribed(part),
    ]);
  expect(undescribed(settingsSchema)).toEqual([]);
});

test("the JSON Schema knows every key and requires what has no default", () => {
  const schema = jsonSchema() as { required: string[]; properties: Record<string, unknown> };
  expect(schema.required).toEqual(["upstream", "accounts"]);
  expect(Object.keys(schema.properties)).toEqual(keysOf(settingsSchema).map(([key]) => key));
});

test("no key is both known and of a later version", () => {
  const known = new Set(knownPaths(settingsSchema));
  expect(laterKeys.filter((key) => known.has(key))).toEqual([]);
});
