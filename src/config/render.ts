/**
 * Config values written as YAML in the order of the schema, with remarks: for the example file and `sluice config`.
 *
 * Promises: what comes out can be read back as a config file and says the same.
 * Refuses: keys that the schema does not know; they are left out.
 */
import * as yaml from "yaml";
import type * as z from "zod";
import { isMap, type Path } from "./findings.ts";
import { elementOf, hasOwnKeys, isMapSchema, keysOf } from "./schema-walk.ts";

/** What to say about a key. */
export interface Remark {
  /** Lines of comment above it. */
  readonly above?: readonly string[];
  /** A comment behind the value; not used where the keys below have remarks of their own. */
  readonly after?: string;
  /** Write the key itself as a comment. */
  readonly disabled?: boolean;
}

/** Asked once for each key; `schema` is the key's own. */
export type Remarks = (path: Path, schema: z.core.$ZodType) => Remark;

/** YAML lines for a map. */
export function renderMap(
  schema: z.core.$ZodType,
  values: unknown,
  remarks: Remarks,
  path: Path = [],
): string[] {
  return keysOf(schema).flatMap(([key, part]) => {
    const value = isMap(values) ? values[key] : undefined;
    if (value === undefined) return [];
    const here = [...path, key];
    const { above = [], after, disabled } = remarks(here, part);
    const comments = above.map((line) => `# ${line}`);
    const behind = after === undefined || hasOwnKeys(part, value) ? "" : `  # ${after}`;
    const [first, ...below] = renderValue(part, value, remarks, here);
    const lines = [`${key}:${first}${behind}`, ...below];
    return [...comments, ...(disabled ? lines.map((line) => `# ${line}`) : lines)];
  });
}

/** What stands behind the colon, and the lines below it. */
function renderValue(schema: z.core.$ZodType, value: unknown, remarks: Remarks, path: Path): string[] {
  if (Array.isArray(value) && value.some(isMap)) {
    const element = elementOf(schema);
    const below = value.flatMap((item, index) => renderItem(element, item, remarks, [...path, index]));
    return ["", ...below.map(indented)];
  }
  if (!hasOwnKeys(schema, value)) return [` ${flowText(value)}`];
  const below = renderMap(schema, value, remarks, path);
  return below.length === 0 ? [" {}"] : ["", ...below.map(indented)];
}

/** A list item: a map of several lines when its keys have remarks of their own, else one line. */
function renderItem(
  schema: z.core.$ZodType | undefined,
  item: unknown,
  remarks: Remarks,
  path: Path,
): string[] {
  const ownLines = schema !== undefined && isMapSchema(schema);
  const lines = ownLines ? renderMap(schema, item, remarks, path) : [flowText(item)];
  const first = lines.findIndex((line) => !line.startsWith("#"));
  return lines.map((line, index) => `${index === first ? "- " : index < first ? "" : "  "}${line}`);
}

function indented(line: string): string {
  return `  ${line}`;
}

/** A value on one line, as YAML: `{envelope: a@b, header: c@d}`. */
export function flowText(value: unknown): string {
  const document = new yaml.Document(value);
  yaml.visit(document, {
    Scalar(_, scalar) {
      // Other YAML readers stumble over `[::1]:25` and `*@…` sooner than ours.
      if (typeof scalar.value === "string" && /[:*]/.test(scalar.value)) scalar.type = "QUOTE_DOUBLE";
    },
  });
  return document.toString({ collectionStyle: "flow", flowCollectionPadding: false, lineWidth: 0 }).trimEnd();
}
