/**
 * Display names: whether one may stand beside an address, and how it is written there.
 *
 * Promises: a name that comes out of here can be taken for an address by no reader we know of: not as it
 * stands, not with its encoded words (RFC 2047) decoded, not in a look-alike spelling of `@`.
 * Refuses, by leaving the name out: names that hold another address, angle brackets, control or invisible
 * characters, encoded words in a charset we cannot decode, and names too long for one line.
 */
import { isUtf8 } from "node:buffer";
import { nameMaxOctets } from "./limits.ts";

const atext = "A-Za-z0-9!#$%&'*+/=?^_`{|}~\\x80-\\xff-";
// RFC 5322 §3.2.5 phrase with the dots of §4.1 obs-phrase (never the first), and raw 8-bit bytes as old programs
// write them.
const phrase = new RegExp(`^(?!\\.)(?:[${atext}. \\t]|"(?:[^"\\\\]|\\\\.)*")+$`);
const encodedWord = /=\?([^?*\s]+)(?:\*[^?\s]*)?\?([BbQq])\?([^?]*)\?=/g;

/** Whether `text` may be written before `<address>` as it is. */
export function isPhrase(text: string): boolean {
  return phrase.test(text);
}

/** Free text as a phrase: as it is when it already is one, else as a quoted string (RFC 5322 §3.2.4). */
export function toPhrase(text: string): string {
  return isPhrase(text) ? text : `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** Whether a name (latin1, as written) says nothing that could be read as an address other than `address`. */
export function isSafeName(name: string, address: string): boolean {
  const shown = name.length > nameMaxOctets ? undefined : decodeWords(fromBytes(name));
  // \p{Cf} has the zero-width and the bidirectional marks; NFKC turns the full-width @ and < into plain ones.
  if (shown === undefined || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(shown.replaceAll("\t", " "))) return false;
  const plain = shown.normalize("NFKC");
  // An undecoded or nested encoded word may be an address to a reader more lenient than this one.
  if (/=\?|\?=/.test(plain)) return false;
  return !/[@<>]/.test(plain) || plain.replace(/^"(.*)"$/, "$1") === address;
}

/** Raw bytes as a reader would show them: UTF-8 when they are that, else the Windows superset of latin1. */
function fromBytes(latin1: string): string {
  const bytes = Buffer.from(latin1, "latin1");
  return new TextDecoder(isUtf8(bytes) ? "utf-8" : "windows-1252").decode(bytes);
}

/** Decodes every encoded word, wherever it stands: some readers do so even inside quotes. Undefined when one cannot be read. */
function decodeWords(text: string): string | undefined {
  try {
    return text.replace(encodedWord, (_, charset: string, encoding: string, data: string) => {
      const bytes = encoding.toLowerCase() === "b" ? Buffer.from(data, "base64") : fromQ(data);
      // The bytes too: should a reader take another charset, an ASCII @ in them is one.
      const specials = bytes.toString("latin1").replace(/[^@<>]/g, "");
      return specials + new TextDecoder(charset).decode(bytes);
    });
  } catch {
    return undefined;
  }
}

function fromQ(data: string): Buffer {
  const bytes = data
    .replaceAll("_", " ")
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1");
}
