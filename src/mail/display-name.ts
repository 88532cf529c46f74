/**
 * Display names: whether one may stand beside an address, and how it is written there.
 *
 * Promises: a name that comes out of here can be taken for an address by no reader we know of: not as it
 * stands, not with its encoded words (RFC 2047) decoded, not in a look-alike spelling of `@`.
 * Refuses, by leaving the name out: names that hold another address, angle brackets, control or invisible
 * characters, encoded words in a charset we cannot decode, and names too long for one line.
 */
import { ENCODED_WORD, textOfBytes, wordBytes } from "./encoded-words.ts";
import { nameMaxOctets } from "./limits.ts";

const atext = "A-Za-z0-9!#$%&'*+/=?^_`{|}~\\x80-\\xff-";
// RFC 5322 §3.2.5 phrase with the dots of §4.1 obs-phrase (never the first), and raw 8-bit bytes as old programs
// write them.
const phrase = new RegExp(`^(?!\\.)(?:[${atext}. \\t]|"(?:[^"\\\\]|\\\\.)*")+$`);

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
  const shown = name.length > nameMaxOctets ? undefined : decodeWords(textOfBytes(name));
  // \p{Cf} has the zero-width and the bidirectional marks; NFKC turns the full-width @ and < into plain ones.
  if (shown === undefined || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(shown.replaceAll("\t", " "))) return false;
  const plain = shown.normalize("NFKC");
  // An undecoded or nested encoded word may be an address to a reader more lenient than this one.
  if (/=\?|\?=/.test(plain)) return false;
  return !/[@<>]/.test(plain) || plain.replace(/^"(.*)"$/, "$1") === address;
}

/** Decodes every encoded word, wherever it stands: some readers do so even inside quotes. Undefined when one cannot be read. */
function decodeWords(text: string): string | undefined {
  try {
    return text.replace(ENCODED_WORD, (_, charset: string, encoding: string, data: string) => {
      const bytes = wordBytes(encoding, data);
      // The bytes too: should a reader take another charset, an ASCII @ in them is one.
      const specials = bytes.toString("latin1").replace(/[^@<>]/g, "");
      return specials + new TextDecoder(charset).decode(bytes);
    });
  } catch {
    return undefined;
  }
}
