/**
 * The commented example file (`sluice config --example`), made from the schema.
 *
 * Promises: the example is a valid config once the password file exists; defaults stand as they are, optional keys and
 * what the preset fills stand as comments.
 * Refuses: to know anything about a key that the schema does not say.
 */
import type * as z from "zod";
import { isMap, type Path, shapeText, valueAt } from "./findings.ts";
import { presetKeys } from "./presets.ts";
import { flowText, renderMap } from "./render.ts";
import { settingsSchema } from "./schema.ts";
import { bare, elementOf, isMapSchema, keysOf } from "./schema-walk.ts";

const WIDTH = 100;

/** Optional keys that an example cannot do without. */
const SHOWN = new Set(["upstream.service", "notices.from"]);

const HEADER = [
  "sluice.yaml: the config of sluice. It holds no secret and may be readable by everybody (0644).",
  "Values shown are the defaults; under upstream, accounts and notices they are examples.",
  "A key behind a # is optional. Check the file with: sluice check -c FILE",
];

/** The text of config/sluice.example.yaml. */
export function exampleFile(): string {
  const asOne = new Set(keysOf(settingsSchema).flatMap(([key, part]) => (nothingToSay(part) ? [key] : [])));
  const remarks = (path: Path, schema: z.core.$ZodType) => {
    const { meta, fallback, required } = bare(schema);
    const above = [
      ...wrap(meta.description ?? "", WIDTH - 2 * path.length),
      ...illustration(fallback, meta.examples?.[0]),
    ];
    const optional = !required && !shown(shapeText(path), fallback);
    return { above, disabled: asOne.has(`${path[0]}`) ? path.length === 1 : optional };
  };
  const values = exampleOf(settingsSchema);
  const blocks = keysOf(settingsSchema).map(([key]) =>
    renderMap(settingsSchema, { [key]: valueAt(values, [key]) }, remarks).join("\n"),
  );
  return `${[HEADER.map((line) => `# ${line}`).join("\n"), ...blocks].join("\n\n")}\n`;
}

/** A map without a default in it: as a whole it stands behind a #, since a key with nothing below it is no map. */
function nothingToSay(schema: z.core.$ZodType): boolean {
  const parts = isMapSchema(schema) ? keysOf(schema) : [];
  return (
    parts.length > 0 && parts.every(([, part]) => !bare(part).required && bare(part).fallback === undefined)
  );
}

/** Where the default is empty, what could stand there. */
function illustration(fallback: unknown, example: unknown): string[] {
  if (!isEmpty(fallback) || example === undefined) return [];
  if (!Array.isArray(example)) return [`Example: ${flowText(example)}`];
  return ["Example:", ...example.map((item) => `  - ${flowText(item)}`)];
}

function shown(shape: string, fallback: unknown): boolean {
  if (SHOWN.has(shape)) return true;
  return fallback !== undefined && !presetKeys.some((key) => shape === `upstream.${key}`);
}

/** Each key's default, else its example. */
function exampleOf(schema: z.core.$ZodType): unknown {
  const { fallback, meta } = bare(schema);
  if (isMapSchema(schema))
    return Object.fromEntries(keysOf(schema).map(([key, part]) => [key, exampleOf(part)]));
  const element = elementOf(schema);
  if (element && isMapSchema(element) && fallback === undefined) return [exampleOf(element)];
  return fallback ?? meta.examples?.[0];
}

function isEmpty(value: unknown): boolean {
  return (Array.isArray(value) && value.length === 0) || (isMap(value) && Object.keys(value).length === 0);
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
