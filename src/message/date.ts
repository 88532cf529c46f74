/**
 * The date-time of RFC 5322 §3.3, as Date and Received carry it.
 *
 * Promises: always UTC, always the same form, whatever the machine's locale and zone.
 */

/** `Mon, 05 Jan 2026 10:00:00 +0000`. */
export function dateTime(date: Date): string {
  // ECMAScript fixes toUTCString()'s form; only its zone name is obsolete (RFC 5322 §4.3).
  return date.toUTCString().replace(/GMT$/, "+0000");
}
