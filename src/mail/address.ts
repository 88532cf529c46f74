/**
 * Addresses as SMTP commands and header fields carry them: one strict grammar for everybody.
 *
 * Promises: an `Address` is printable ASCII, at most 254 octets, `local@domain`, the domain in lower case
 * and the local part as given; the same value goes to policy, spool, wire and log.
 * Refuses: source routes, comments, lists, control characters, 8-bit, and angle brackets even in quotes
 * (RFC 5321 would allow those in a quoted local part; too many readers stumble over them).
 */
import { isIP } from "node:net";
import { addressMaxOctets, domainMaxOctets, localMaxOctets } from "./limits.ts";

/** `local@domain`, checked. Compared exactly: two spellings of a local part are two addresses. */
export type Address = string & { readonly __brand: "Address" };

/** What MAIL FROM or RCPT TO named. `local` is an unqualified name, such as root. */
export type Path =
  | { readonly kind: "null" }
  | { readonly kind: "address"; readonly address: Address }
  | { readonly kind: "local"; readonly local: string };

/** Parameter keywords are upper-case: `SIZE` -> `"1000"`, `SMTPUTF8` -> `true`. */
export type CommandArgument =
  | { readonly ok: true; readonly path: Path; readonly parameters: ReadonlyMap<string, string | true> }
  | { readonly ok: false; readonly problem: string };

// RFC 5321 §4.1.2: Dot-string or Quoted-string, the latter without < and >.
const atext = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]";
const dotString = new RegExp(`^${atext}+(?:\\.${atext}+)*$`);
const quotedString = /^"(?:[\x20\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x7e]|\\[\x20-\x3b\x3d\x3f-\x7e])+"$/;
// RFC 5321 §4.1.2 sub-domain, and the underscore that many internal host names have.
const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;
// RFC 5321 §4.1.1.1 esmtp-param
const parameter = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e]+))?$/;

/**
 * Whether `text` is a local part: a dot-string or a quoted string of at most 64 octets. What looks like an
 * encoded word (RFC 2047 §5 forbids one in an address) is refused, for some readers decode it all the same.
 */
function isLocal(text: string): boolean {
  if (text.includes("=?")) return false;
  return text.length <= localMaxOctets && (dotString.test(text) || quotedString.test(text));
}

/** Whether `text` is a domain name (A-labels, underscore allowed, no root dot) or an address literal such as `[127.0.0.1]`. */
export function isDomain(text: string): boolean {
  if (text.startsWith("[") && text.endsWith("]")) {
    const literal = text.slice(1, -1);
    return /^ipv6:/i.test(literal)
      ? isIP(literal.slice(5)) === 6 && !literal.includes("%")
      : isIP(literal) === 4;
  }
  return text.length <= domainMaxOctets && text.split(".").every((part) => label.test(part));
}

/** Reads `local@domain`; undefined when `text` is anything but one address, without brackets, space or comment. */
export function parseAddress(text: string): Address | undefined {
  const at = text.lastIndexOf("@");
  const local = text.slice(0, Math.max(at, 0));
  const domain = text.slice(at + 1);
  if (text.length > addressMaxOctets || !isLocal(local) || !isDomain(domain)) return undefined;
  return `${local}@${domain.toLowerCase()}` as Address;
}

/** The part before the last `@`, as given. */
export function localOf(address: Address): string {
  return address.slice(0, address.lastIndexOf("@"));
}

/** The part after the last `@`, lower-case. */
export function domainOf(address: Address): string {
  return address.slice(address.lastIndexOf("@") + 1);
}

/**
 * Reads what follows `MAIL FROM:` or `RCPT TO:`, as a latin1 string.
 * Old programs leave out the brackets, put spaces after the colon or inside the brackets, and end a domain
 * with a dot; all of that is understood and gone afterwards. `problem` is half a sentence for the 501 reply.
 */
export function parseCommandArgument(raw: string): CommandArgument {
  if (/[^\x20-\x7e\t]/.test(raw))
    return { ok: false, problem: "the address holds a control or 8-bit character" };
  const text = raw.trim();
  if (text === "") return { ok: false, problem: "the address is missing" };
  const end = text.startsWith("<") ? endOfBracketed(text) : endOfBare(text);
  if (end === undefined) return { ok: false, problem: "the closing > is missing" };
  const rest = text.slice(end);
  if (rest !== "" && !/^[ \t]/.test(rest))
    return { ok: false, problem: "a space is missing after the address" };
  const path = parsePath(text.startsWith("<") ? text.slice(1, end - 1) : text.slice(0, end));
  if (typeof path === "string") return { ok: false, problem: path };
  const parameters = parseParameters(rest);
  return typeof parameters === "string" ? { ok: false, problem: parameters } : { ok: true, path, parameters };
}

/** Where `<…>` ends. No bracket can stand in a quoted local part here, so the first one closes it. */
function endOfBracketed(text: string): number | undefined {
  const close = text.indexOf(">");
  return close < 0 ? undefined : close + 1;
}

/** Where an address without brackets ends: at the first space outside quotes. */
function endOfBare(text: string): number {
  return /^(?:"(?:[^"\\]|\\.)*"|[^ \t"])*/.exec(text)?.[0].length ?? 0;
}

function parsePath(inside: string): Path | string {
  const text = inside.trim();
  if (text === "") return inside === text ? { kind: "null" } : "the address is blank";
  // RFC 5321 appendix C: source routes are obsolete; a relay that follows them can be led astray.
  if (text.startsWith("@")) return "source routes are not accepted";
  if (isLocal(text)) return { kind: "local", local: text };
  const address = parseAddress(text.replace(/([A-Za-z0-9])\.$/, "$1"));
  return address === undefined ? "it is not one plain address" : { kind: "address", address };
}

function parseParameters(rest: string): ReadonlyMap<string, string | true> | string {
  const parameters = new Map<string, string | true>();
  for (const word of rest.split(/[ \t]+/)) {
    if (word === "") continue;
    const match = parameter.exec(word);
    if (!match?.[1]) return "a parameter after the address is malformed";
    const keyword = match[1].toUpperCase();
    if (parameters.has(keyword)) return `the parameter ${keyword} is given twice`;
    parameters.set(keyword, match[2] ?? true);
  }
  return parameters;
}

/** A path as an address: an unqualified name gets `@hostname`. Undefined for the null path, or when too long. */
export function qualify(path: Path, hostname: string): Address | undefined {
  switch (path.kind) {
    case "null":
      return undefined;
    case "address":
      return path.address;
    case "local":
      return parseAddress(`${path.local}@${hostname}`);
  }
}
