/**
 * The config file as YAML: its values, and where each of them stands.
 *
 * Promises: every syntax error becomes a finding with its line; a line number for any path, existing or missing.
 * Refuses: tabs, duplicate keys, several documents, anything but a map, keys that are no strings, anchors and aliases
 * (in this file a bare `*` is a forgotten quote).
 */
import * as yaml from "yaml";
import type { Finding, Path } from "./findings.ts";

/** A read config file. `broken` means that the values cannot be relied on. */
export interface ConfigDocument {
  readonly values: Readonly<Record<string, unknown>>;
  readonly findings: readonly (Finding & { readonly line: number })[];
  readonly broken: boolean;
  /** The line (from 1) of a key or list element; of the nearest enclosing one when it is missing. */
  lineOf(path: Path): number | undefined;
  /** Whether the file itself has this path. */
  has(path: Path): boolean;
  /** A single value as it was typed: `007`, not 7. */
  sourceOf(path: Path): string | undefined;
}

/** Errors after which the rest of the file still means what it says. */
const HARMLESS: ReadonlySet<yaml.ErrorCode> = new Set(["DUPLICATE_KEY", "BAD_SCALAR_START", "BAD_ALIAS"]);

/** Reads YAML text; never throws for what the text holds. */
export function parseConfigText(text: string): ConfigDocument {
  const lines = new yaml.LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, stringKeys: true, logLevel: "error" } as const;
  const document = yaml.parseDocument(text, options);
  const errors: SyntaxError[] = [
    ...document.errors.filter(({ code }) => code !== "BAD_ALIAS"),
    ...quoteAliases(document),
    ...notAMap(document),
  ];
  const findings = errors.map((error) => ({
    ...syntaxFinding(error, document),
    line: lines.linePos(error.pos[0]).line,
  }));
  const harmless = errors.every(({ code }) => HARMLESS.has(code));
  const step = (path: Path) => follow(document, path);
  return {
    values: harmless ? ((document.toJS() as ConfigDocument["values"] | null) ?? {}) : {},
    findings: onePerLine(findings),
    broken: !harmless,
    lineOf: (path) => {
      const { offset } = step(path);
      return offset === undefined ? undefined : lines.linePos(offset).line;
    },
    has: (path) => step(path).complete,
    sourceOf: (path) => {
      const { complete, node } = step(path);
      return complete && yaml.isScalar(node) ? node.source : undefined;
    },
  };
}

interface Place {
  readonly node: unknown;
  /** Where the key or element begins in the text. */
  readonly offset: number | undefined;
  /** Whether the whole path was there. */
  readonly complete: boolean;
}

function follow(document: yaml.Document.Parsed, path: Path): Place {
  let place: Place = { node: document.contents, offset: undefined, complete: true };
  for (const part of path) {
    const next = child(place.node, part);
    if (next === undefined) return { ...place, complete: false };
    place = { node: next.node, offset: next.offset, complete: true };
  }
  return place;
}

function child(
  node: unknown,
  part: string | number,
): { node: unknown; offset: number | undefined } | undefined {
  if (yaml.isMap(node)) {
    const pair = node.items.find(({ key }) => yaml.isScalar(key) && key.value === `${part}`);
    return pair && { node: pair.value, offset: (pair.key as yaml.Scalar).range?.[0] };
  }
  const item = yaml.isSeq(node) && typeof part === "number" ? node.items[part] : undefined;
  return yaml.isNode(item) ? { node: item, offset: item.range?.[0] } : undefined;
}

type SyntaxError = Pick<yaml.YAMLError, "code" | "pos" | "message">;

function notAMap({ contents }: yaml.Document.Parsed): SyntaxError[] {
  if (contents === null || yaml.isMap(contents) || (yaml.isScalar(contents) && contents.value === null))
    return [];
  return [{ code: "BAD_COLLECTION_TYPE", pos: [contents.range[0], contents.range[1]], message: "" }];
}

/** Puts the text that was meant where YAML sees an alias, so that the rest can be read; one error each. */
function quoteAliases(document: yaml.Document.Parsed): SyntaxError[] {
  const found: SyntaxError[] = [];
  yaml.visit(document, {
    Alias(_, alias) {
      const meant = new yaml.Scalar(`*${alias.source}`);
      meant.range = alias.range ?? null;
      const offset = alias.range?.[0] ?? 0;
      found.push({ code: "BAD_ALIAS", pos: [offset, offset + 1], message: "" });
      return meant;
    },
  });
  return found;
}

function syntaxFinding({ code, pos, message }: SyntaxError, document: yaml.Document.Parsed): Finding {
  switch (code) {
    case "DUPLICATE_KEY": {
      const path = pathAt(document, pos[0]);
      return { path, message: "stands twice in the same place", remedy: "keep one of the two lines" };
    }
    case "TAB_AS_INDENT":
      return {
        path: [],
        message: "the line is indented with a tab",
        remedy: "use spaces; YAML allows no tabs there",
      };
    case "BAD_SCALAR_START":
    case "BAD_ALIAS": {
      const path = pathAt(document, pos[0]);
      const remedy = 'put quotes around it, e.g. "*@app01.internal"';
      return { path, message: "a value that begins with @, * or ` has to be quoted", remedy };
    }
    case "BLOCK_AS_IMPLICIT_KEY":
      return {
        path: [],
        message: "a second `key:` in one line, or lines indented wrongly",
        remedy: "put the second key on a line of its own, or quotes around a value that has a colon in it",
      };
    case "MULTIPLE_DOCS":
      return { path: [], message: "a second document begins here", remedy: "remove the line with ---" };
    case "BAD_COLLECTION_TYPE":
      return {
        path: [],
        message: "the file does not consist of keys and values",
        remedy: "see sluice config --example",
      };
    case "NON_STRING_KEY":
      return {
        path: [],
        message: "a key is not a plain word",
        remedy: "write keys as words, e.g. hostname:",
      };
    default:
      return {
        path: [],
        message: `not valid YAML: ${message}`,
        remedy: "check brackets, quotes and indentation here",
      };
  }
}

/** The path of the key or value that begins at an offset; the empty path when there is none. */
function pathAt(document: yaml.Document.Parsed, offset: number): Path {
  let found: Path = [];
  yaml.visit(document, {
    Node(_, node, ancestors) {
      if (node.range?.[0] !== offset || yaml.isCollection(node)) return undefined;
      const parents = [...ancestors, node];
      found = parents.flatMap((parent, index): Path => {
        if (yaml.isPair(parent)) return [`${yaml.isScalar(parent.key) ? parent.key.value : ""}`];
        const next = parents[index + 1];
        return yaml.isSeq(parent) && next ? [parent.items.indexOf(next)] : [];
      });
      return yaml.visit.BREAK;
    },
  });
  return found;
}

/** A single slip often causes several errors in its line; the first says it. */
function onePerLine<T extends { readonly line: number }>(findings: readonly T[]): T[] {
  return findings.filter(({ line }, index) => findings.findIndex((other) => other.line === line) === index);
}
