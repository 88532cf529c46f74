/**
 * Findings: what a check has to say, before line numbers and file names are known.
 *
 * Promises: a value is shown as it was written, on one line, shortened, and never when it may be a password.
 * Refuses: nothing; load.ts adds the lines; problems.ts says how they are made of zod's issues.
 */

/** Keys and list positions from the top of the config file. */
export type Path = readonly (string | number)[];

/** One thing wrong or unwise. `value` is absent when there is nothing to show. */
export interface Finding {
  readonly path: Path;
  readonly value?: unknown;
  readonly message: string;
  readonly remedy: string;
  /** It may be well: this user may not look. */
  readonly denied?: true;
}

/** `accounts[0].senders[2]`; keys that are no plain words are quoted: `aliases["*@app01.internal"]`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    if (!/^[\w-]+$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

/** A path with its list positions left out, as the schema knows it: `accounts[].senders[]`. */
export function shapeText(path: Path): string {
  return pathText(path).replace(/\[\d+\]/g, "[]");
}

/** Whether a value read from YAML is a map. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value at a path, or undefined. */
export function valueAt(values: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, part) => {
    if (Array.isArray(value) && typeof part === "number") return value[part];
    return isMap(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  }, values);
}

/** A value for a person to recognise; passwords in URLs are masked. */
export function valueText(value: unknown): string {
  const text = JSON.stringify(value) ?? "";
  const masked = text.replace(/:\/\/[^"\s]*@/g, "://****@").replace(/(password=)[^&"\s]*/gi, "$1****");
  return masked.length > 80 ? `${masked.slice(0, 79)}…` : masked;
}

/** Whether a key is named like something secret; its value is never shown. */
export function soundsSecret(key: string): boolean {
  return /pass(w(or)?d|phrase)?$|secret|token|apikey/i.test(key);
}
