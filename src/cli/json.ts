/**
 * What `--json` prints: one JSON document on stdout, indented, the same way by every command.
 *
 * Promises: printable as it stands: what JSON lets through of control characters (DEL and the C1 set, which terminals
 * take for commands) is escaped, so that parsers read the same.
 */

/** The document, without an end of line. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value, undefined, 2);
  return text.replace(/[\x7f-\x9f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
