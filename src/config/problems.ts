/**
 * From what zod found to what a person reads: what is wrong, in a sentence, and what to write instead.
 *
 * Promises: an unknown key gets a did-you-mean (also from the other end of the file); a key of a later version, a
 * password and a missing quote get sentences of their own; no zod wording reaches a person.
 * Refuses: nothing; an issue of a kind not known here keeps zod's own message.
 */
import type * as z from "zod";
import { type Finding, isMap, type Path, pathText, shapeText, soundsSecret, valueAt } from "./findings.ts";
import { nearest } from "./nearest.ts";
import { flowText } from "./render.ts";
import { laterKeys, settingsSchema } from "./schema.ts";
import { bare, elementOf, keysOf, knownPaths } from "./schema-walk.ts";

type Issue = z.core.$ZodIssue;

/** What findings are made from: the values zod saw, and how a single value was typed. */
export interface Written {
  readonly values: unknown;
  sourceOf(path: Path): string | undefined;
}

/** Every issue as one or more findings. */
export function findingsOf(issues: readonly Issue[], written: Written): Finding[] {
  return issues.flatMap((issue) => findingsOfIssue(issue, [], written));
}

function findingsOfIssue(issue: Issue, prefix: Path, written: Written): Finding[] {
  const path = [...prefix, ...(issue.path as Path)];
  const value = valueAt(written.values, path);
  if (value === null) {
    const remedy = "write a value after the colon, or remove the line";
    return [{ path, message: "has no value", remedy }];
  }
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey([...path, key], valueAt(value, [key])));
    case "invalid_union":
      return findingsOfChoice(issue.errors, path, written);
    case "invalid_key":
      return issue.issues.map((inner) => ({ path, ...sentence(inner, undefined) }));
    case "invalid_type":
      if (value === undefined) return [missing(path)];
      return [{ path, value, ...wrongType(issue.expected, path, written) }];
    case "invalid_value":
      return value === undefined ? [missing(path)] : [{ path, value, ...sentence(issue, value) }];
    case "too_small":
    case "too_big":
      // zod counts the letters of a text where a list belongs; that it is no list has been said.
      return typeof value === "string" ? [] : [{ path, value, ...sentence(issue, value) }];
    default:
      return [{ path, value, ...sentence(issue, value) }];
  }
}

/** Of a choice, the branch that was meant: the one whose kind of value fits. */
function findingsOfChoice(branches: readonly (readonly Issue[])[], path: Path, written: Written): Finding[] {
  const fits = (issues: readonly Issue[]) =>
    !issues.some((i) => i.path.length === 0 && i.code === "invalid_type");
  const value = valueAt(written.values, path);
  if (value === undefined) return [missing(path)];
  const meant = isMap(value)
    ? branches.find((issues) => fits(issues) && issues.every(({ code }) => code !== "invalid_value"))
    : branches.find(fits);
  if (meant) return meant.flatMap((issue) => findingsOfIssue(issue, path, written));
  return [{ path, value, message: "has the wrong form", remedy: exampleRemedy(path) }];
}

function sentence(issue: Issue, value: unknown): Pick<Finding, "message" | "remedy"> {
  switch (issue.code) {
    case "custom":
      return { message: issue.message, remedy: `${issue.params?.remedy ?? ""}` };
    case "invalid_value": {
      const choices = issue.values.map(String);
      const near = typeof value === "string" ? nearest(value, choices) : undefined;
      const remedy = near ? `did you mean ${near}?` : `write ${choices.join(" or ")}`;
      return { message: `is not ${choices.length > 1 ? "one of " : ""}${choices.join(", ")}`, remedy };
    }
    case "too_small":
    case "too_big": {
      const small = issue.code === "too_small";
      const limit = small ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
      if (issue.origin !== "array")
        return { message: `is too ${small ? "small" : "large"}`, remedy: `write ${limit}` };
      return { message: `is too ${small ? "short" : "long"} a list`, remedy: `write ${limit} of them` };
    }
    default:
      return { message: issue.message, remedy: "see the manual, docs/config.md" };
  }
}

function missing(path: Path): Finding {
  return { path, message: "is missing", remedy: exampleRemedy(path) };
}

function wrongType(expected: string, path: Path, written: Written): Pick<Finding, "message" | "remedy"> {
  const value = valueAt(written.values, path);
  switch (expected) {
    case "string": {
      if (typeof value === "object") return { message: "must be a single text", remedy: exampleRemedy(path) };
      const schema = schemaAt(path);
      if (schema && bare(schema).meta.title === "duration") {
        return { message: "has no unit", remedy: "write a number and a unit: 30s, 10m, 1h or 4d" };
      }
      const remedy = `put quotes around it: "${written.sourceOf(path) ?? value}"`;
      return { message: `is a ${typeof value} to YAML, and a text is needed`, remedy };
    }
    case "int":
    case "number":
      return { message: "must be a whole number", remedy: exampleRemedy(path) };
    case "array":
      if (isMap(value)) return { message: "must be a list", remedy: "begin each entry with a hyphen" };
      return { message: "must be a list", remedy: `write [${value}]` };
    default:
      return { message: "must be a map of keys and values", remedy: exampleRemedy(path) };
  }
}

function exampleRemedy(path: Path): string {
  const schema = schemaAt(path);
  const known = schema && bare(schema);
  const example = known?.fallback ?? known?.meta.examples?.[0];
  if (example !== undefined && !isEmptyMap(example))
    return `write e.g. ${pathTail(path)}${flowText(example)}`;
  const keys = schema ? keysOf(elementOf(schema) ?? schema).map(([key]) => key) : [];
  return keys.length > 0 ? `write it with ${keys.join(", ")} below it` : "see the manual, docs/config.md";
}

function isEmptyMap(value: unknown): boolean {
  return isMap(value) && Object.keys(value).length === 0;
}

function pathTail(path: Path): string {
  const last = path.at(-1);
  return typeof last === "string" ? `${last}: ` : "";
}

function unknownKey(path: Path, value: unknown): Finding {
  const key = `${path.at(-1)}`;
  const shape = shapeText(path);
  if (laterKeys.includes(shape)) {
    return { path, message: "is not available in this version of sluice yet", remedy: "remove it" };
  }
  if (soundsSecret(key)) {
    const remedy = "put it into a file with mode 0600 and name that file in passwordFile";
    return { path, message: "a password never stands in the config file", remedy };
  }
  const siblings = keysOf(schemaAt(path.slice(0, -1)) ?? settingsSchema).map(([name]) => name);
  const shown = isMap(value) ? {} : { value };
  return { path, ...shown, message: "is not a known key", remedy: keyRemedy(path, siblings) };
}

function keyRemedy(path: Path, siblings: readonly string[]): string {
  const near = nearest(`${path.at(-1)}`, siblings);
  if (near) return `did you mean ${pathText([...path.slice(0, -1), near])}?`;
  const far = elsewhere(shapeText(path), `${path.at(-1)}`);
  const known = siblings.length > 8 && far ? "" : ` known here: ${siblings.join(", ")}`;
  return far ? `did you mean ${far}?${known}` : `remove it;${known}`;
}

/** The same key, or one like it, in another place of the file: the nearest whole path among those. */
function elsewhere(shape: string, key: string): string | undefined {
  const all = knownPaths(settingsSchema);
  const lastOf = (path: string) => path.slice(path.lastIndexOf(".") + 1);
  const near = nearest(key, all.map(lastOf));
  const places = all.filter((path) => lastOf(path) === near);
  return nearest(shape, places) ?? places[0];
}

function schemaAt(path: Path): z.core.$ZodType | undefined {
  return path.reduce<z.core.$ZodType | undefined>((schema, part) => {
    if (schema === undefined) return undefined;
    return typeof part === "number" ? elementOf(schema) : keysOf(schema).find(([key]) => key === part)?.[1];
  }, settingsSchema);
}
