/**
 * The manual of the config (docs/config.md) and its JSON Schema, made from the schema.
 *
 * Promises: every key with its default and meaning, every variable, and what this version does not have yet.
 * Refuses: to know anything about a key that the schema does not say.
 */
import * as z from "zod";
import { variables } from "./environment.ts";
import { isMap, pathText } from "./findings.ts";
import { flowText } from "./render.ts";
import { laterKeys, settingsSchema } from "./schema.ts";
import { bare, elementOf, keysOf } from "./schema-walk.ts";

const pathVariables = ["CREDENTIALS_DIRECTORY", "STATE_DIRECTORY"]
  .map((name) => `\`\${${name}}\``)
  .join(" and ");

/** The text of docs/config.md. */
export function manual(): string {
  const sections = [
    "# Config",
    "",
    "This page is generated from the schema: `sluice config --markdown > docs/config.md`.",
    "",
    "`sluice config --example` prints a commented example file, `sluice config --schema` the JSON Schema,",
    "`sluice check` every problem of a file at once, `sluice config` the values in effect and where each comes from.",
    "",
    "Sizes: `5MB` is 5,000,000 bytes, `5MiB` is 5,242,880, a plain number is bytes. Durations: `30s`, `10m`, `1h`, `4d`.",
    `Relative paths are relative to the folder of the config file; ${pathVariables} are expanded in paths, nothing else is.`,
    "A key without a default is optional, unless it says required.",
    "",
    "| key | default | meaning |",
    "| --- | --- | --- |",
    ...rows(settingsSchema, ""),
    "",
    "## Environment",
    "",
    "These beat the config file; an empty variable counts as not set. A password never comes from the environment.",
    "",
    "| variable | key | value |",
    "| --- | --- | --- |",
    ...variables.map(
      ({ variable, path, meaning }) => `| \`${variable}\` | \`${pathText(path)}\` | ${meaning} |`,
    ),
    "",
    "## Not in this version yet",
    "",
    `${laterKeys.map((key) => `\`${key}\``).join(", ")}.`,
    "",
  ];
  return sections.join("\n");
}

/** A row for each key of a map, followed by those of the keys below it. */
function rows(schema: z.core.$ZodType, prefix: string): string[] {
  return keysOf(schema).flatMap(([key, part]) => {
    const { fallback, meta, required } = bare(part);
    const inner = elementOf(part) ?? part;
    const section = keysOf(inner).length > 0 && !isPair(inner);
    const empty = fallback === undefined || (section && isMap(fallback));
    const value = required ? "required" : empty ? "" : `\`${flowText(fallback)}\``;
    const path = `${prefix}${key}`;
    const row = `| \`${path}\` | ${value} | ${(meta.description ?? "").replaceAll("|", "\\|")} |`;
    return section ? [row, ...rows(inner, `${path}${inner === part ? "" : "[]"}.`)] : [row];
  });
}

/** An address or a pair: explained where it stands. */
function isPair(schema: z.core.$ZodType): boolean {
  return bare(schema).meta.title === "address or pair";
}

/** The JSON Schema of a config file as a person writes it. */
export function jsonSchema(): unknown {
  return z.toJSONSchema(settingsSchema, { io: "input" });
}
