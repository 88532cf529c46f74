/**
 * What a line of the journal can be found by: queue id, the id its notice is about, Message-ID, each address, also as the
 * client said it, and each domain as `@domain`.
 *
 * Promises: pure; letter case and angle brackets make no difference; whatever stands in a line, it has terms or none.
 */
import { crc32 } from "node:zlib";

/** As it is compared: lower case, one character a byte of UTF-8. */
export function termOf(text: string): string {
  return foldCase(Buffer.from(text.trim().replace(/^<(.*)>$/s, "$1"), "utf8"));
}

/** Bytes in the form of terms: what contains a term there contains it here. */
export function foldCase(bytes: Buffer): string {
  return bytes.toString("latin1").toLowerCase();
}

/** What a line with this term has somewhere in its text; in the form of terms. */
export function needleOf(term: string): string {
  return JSON.stringify(term).slice(1, -1);
}

/** A number for a term, the same in every version: two terms may share one. */
export function hashOf(term: string): number {
  return crc32(Buffer.from(term, "latin1"));
}

/** The terms of a line, as parsed; of anything that is no fact of ours, those it has. */
export function termsOf(line: unknown): string[] {
  if (typeof line !== "object" || line === null) return [];
  const { id, messageId, notice, said } = line as Record<string, unknown>;
  const of = typeof notice === "object" && notice !== null && "of" in notice ? notice.of : undefined;
  const names = [id, of, messageId].filter(isText).map(termOf);
  const people = [...peopleIn(line), ...peopleIn(said)].filter(isText).map(termOf);
  const domains = people.flatMap((address) => {
    const at = address.lastIndexOf("@");
    return at < 0 ? [] : address.slice(at);
  });
  return [...names, ...people, ...domains].filter((term) => term !== "");
}

/** Whatever stands where people do. */
function peopleIn(said: unknown): unknown[] {
  if (typeof said !== "object" || said === null) return [];
  const { sender, from, recipients } = said as Record<string, unknown>;
  return [sender, from, ...(Array.isArray(recipients) ? recipients : [])];
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
