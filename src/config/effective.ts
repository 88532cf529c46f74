/**
 * The config in effect, for a person and for programs: every value, and where it comes from.
 *
 * Promises: the text is a config file that says the same; in JSON sizes are bytes and durations seconds.
 * Refuses: secrets; they are not even read for this, only the names of their files appear.
 */
import type * as z from "zod";
import { isMap, type Path, pathText, valueAt } from "./findings.ts";
import type { Origins } from "./load.ts";
import { renderMap } from "./render.ts";
import { settingsSchema } from "./schema.ts";
import { bare, elementOf, hasOwnKeys, keysOf, withDefaults } from "./schema-walk.ts";
import { parseDuration, parseSize } from "./units.ts";

/** YAML with a comment behind each value: `line 12`, `preset …`, `environment …`, `default`. */
export function effectiveText(file: string, origins: Origins): string {
  const remarks = (path: Path) => {
    const masked = path.at(-1) === "passwordFile" ? "; the password: ****" : "";
    return { after: `${sourceOf(path, origins)}${masked}` };
  };
  const lines = renderMap(settingsSchema, effectiveValues(origins), remarks);
  return [`# ${file}, with what environment, preset and defaults add`, ...lines, ""].join("\n");
}

/** The same as one JSON object; `sources` maps the path of each value to where it comes from. */
export function effectiveJson(origins: Origins): Record<string, unknown> {
  const values = effectiveValues(origins);
  const paths = leafPaths(settingsSchema, values, []);
  const sources = Object.fromEntries(paths.map((path) => [pathText(path), sourceOf(path, origins)]));
  return { ...(inUnits(settingsSchema, values) as Record<string, unknown>), sources };
}

function effectiveValues({ layers }: Origins): unknown {
  return withDefaults(settingsSchema, layers.values);
}

function sourceOf(path: Path, { document, layers }: Origins): string {
  return (
    layers.sources.get(pathText(path)) ?? (document.has(path) ? `line ${document.lineOf(path)}` : "default")
  );
}

function leafPaths(schema: z.core.$ZodType, value: unknown, path: Path): Path[] {
  if (!hasOwnKeys(schema, value)) return [path];
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => leafPaths(elementOf(schema) ?? schema, item, [...path, index]));
  }
  return keysOf(schema).flatMap(([key, part]) => {
    const below = valueAt(value, [key]);
    return below === undefined ? [] : leafPaths(part, below, [...path, key]);
  });
}

function inUnits(schema: z.core.$ZodType, value: unknown): unknown {
  const element = elementOf(schema);
  if (element && Array.isArray(value)) return value.map((item) => inUnits(element, item));
  const keys = keysOf(schema);
  if (isMap(value) && keys.length > 0) {
    const given = keys.filter(([key]) => value[key] !== undefined);
    return Object.fromEntries(given.map(([key, part]) => [key, inUnits(part, value[key])]));
  }
  const { title } = bare(schema).meta;
  if (title === "size") return parseSize(value as string | number);
  if (title === "duration") return (parseDuration(value as string) ?? 0) / 1000;
  return value;
}
