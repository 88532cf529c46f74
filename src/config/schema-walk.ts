/**
 * Walks the schema as data: which keys there are, what a broken config still says, what the defaults are.
 *
 * Promises: one place knows zod's wrappers (optional, prefault, transform), so nobody else has to.
 * Refuses: schema parts that the config does not use (tuples, intersections, …): they count as single values.
 */

import * as z from "zod";
import type { Pair } from "../mail/envelope.ts";
import { isMap } from "./findings.ts";

/** What the schema says about a key in words. */
export interface Meta {
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly examples?: readonly unknown[];
}

/** A schema without its wrappers, and what the wrappers said. */
export interface Bare {
  readonly schema: z.core.$ZodType;
  readonly meta: Meta;
  /** As a person would write it; undefined when there is none. */
  readonly fallback: unknown;
  readonly required: boolean;
}

/** A settings tree some of whose parts were refused and are left out. Pairs are whole or absent. */
export type Loose<T> = T extends string | number | boolean | undefined | Pair
  ? T
  : T extends readonly (infer Element)[]
    ? readonly (Loose<Element> | undefined)[]
    : { readonly [Key in keyof T]?: Loose<T[Key]> | undefined };

/** Takes the wrappers off; a description further out comes before one further in. */
export function bare(schema: z.core.$ZodType): Bare {
  const meta: Meta = z.globalRegistry.get(schema) ?? {};
  if (schema instanceof z.ZodOptional) return rewrapped(schema.unwrap(), meta, undefined);
  if (schema instanceof z.ZodPrefault) return rewrapped(schema.unwrap(), meta, schema.def.defaultValue);
  if (schema instanceof z.ZodPipe) return { ...bare(schema.in), meta: { ...bare(schema.in).meta, ...meta } };
  return { schema, meta, fallback: undefined, required: true };
}

function rewrapped(inner: z.core.$ZodType, meta: Meta, fallback: unknown): Bare {
  const core = bare(inner);
  return { schema: core.schema, meta: { ...core.meta, ...meta }, fallback, required: false };
}

/** The keys of a map, in the order of the schema; empty when it is no map. A choice has the keys of its map. */
export function keysOf(schema: z.core.$ZodType): readonly (readonly [string, z.core.$ZodType])[] {
  const { schema: core } = bare(schema);
  if (core instanceof z.ZodObject) return Object.entries<z.core.$ZodType>(core.shape);
  if (core instanceof z.ZodUnion) return core.options.flatMap((option) => keysOf(option));
  return [];
}

/** Whether a schema is a map and nothing else (a choice between a text and a map is not). */
export function isMapSchema(schema: z.core.$ZodType): boolean {
  return bare(schema).schema instanceof z.ZodObject;
}

/** Whether a value is taken apart into keys with paths of their own, rather than shown as one. */
export function hasOwnKeys(schema: z.core.$ZodType, value: unknown): boolean {
  const element = elementOf(schema);
  if (Array.isArray(value)) return value.length > 0 && element !== undefined && isMapSchema(element);
  return isMap(value) && keysOf(schema).length > 0;
}

/** What the elements of a list look like; undefined when it is no list. */
export function elementOf(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  const { schema: core } = bare(schema);
  return core instanceof z.ZodArray ? core.element : undefined;
}

/** Every path there is: `accounts[].pace.perHour`. */
export function knownPaths(schema: z.core.$ZodType, prefix = ""): string[] {
  const element = elementOf(schema);
  if (element) return knownPaths(element, `${prefix}[]`);
  return keysOf(schema).flatMap(([key, value]) => {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    return [path, ...knownPaths(value, path)];
  });
}

/** Reads what can be read of a broken config, so that the rules can speak about the rest in the same run. */
export function readLoosely<T extends z.ZodType>(schema: T, value: unknown): Loose<z.output<T>> {
  return loosely(schema, value) as Loose<z.output<T>>;
}

function loosely(schema: z.core.$ZodType, value: unknown): unknown {
  const { schema: core, fallback } = bare(schema);
  const given = value === undefined ? fallback : value;
  // A map that is transformed as a whole stands in a choice (redis), so it is read whole, below.
  if (core instanceof z.ZodObject && isMap(given)) {
    return Object.fromEntries(keysOf(core).map(([key, part]) => [key, loosely(part, given[key])]));
  }
  if (core instanceof z.ZodArray && Array.isArray(given)) {
    return given.map((element) => loosely(core.element, element));
  }
  const result = z.safeParse(schema, value);
  return result.success ? result.data : undefined;
}

/** The config as written, with every default filled in, in the order of the schema. */
export function withDefaults(schema: z.core.$ZodType, value: unknown): unknown {
  const { schema: core, fallback } = bare(schema);
  const given = value === undefined ? fallback : value;
  if (core instanceof z.ZodArray && Array.isArray(given)) {
    return given.map((element) => withDefaults(core.element, element));
  }
  if (!(core instanceof z.ZodObject) || !isMap(given)) return given;
  const entries = keysOf(core).map(([key, part]) => [key, withDefaults(part, given[key])] as const);
  return Object.fromEntries(entries.filter(([, filled]) => filled !== undefined));
}
