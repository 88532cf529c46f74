/**
 * What a DKIM-Signature covers (RFC 6376 §3.5), so that one we break does not go out broken.
 *
 * Promises nothing about the signature itself: it is neither verified nor made here.
 */

/** The field names of a signature's `h=` tag, lower-case; undefined when the tag is missing, doubled or malformed. */
export function signedFields(value: string): ReadonlySet<string> | undefined {
  // RFC 6376 §3.2: tags are `name=value` between semicolons; folding space may stand anywhere around them.
  const tags = value
    .replace(/[ \t]/g, "")
    .split(";")
    .filter((tag) => tag.startsWith("h="));
  const names = tags[0]?.slice(2).toLowerCase().split(":");
  if (tags.length !== 1 || !names?.every((name) => /^[!-9;-~]+$/.test(name))) return undefined;
  return new Set(names);
}
