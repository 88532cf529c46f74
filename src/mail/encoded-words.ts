/**
 * Encoded words (RFC 2047) and raw bytes of a head, read as text for people.
 *
 * Promises: what cannot be decoded stays as it stands. Nothing here is a judgement: whether a name is safe beside an
 * address says display-name.ts, what may reach a terminal says reply.ts.
 */
import { isUtf8 } from "node:buffer";

/** `=?charset*language?encoding?data?=`; its groups are charset, encoding and data. */
export const ENCODED_WORD = /=\?([^?*\s]+)(?:\*[^?\s]*)?\?([BbQq])\?([^?]*)\?=/g;

/** Raw bytes (latin1) as a reader would show them: UTF-8 when they are that, else the Windows superset of latin1. */
export function textOfBytes(latin1: string): string {
  const bytes = Buffer.from(latin1, "latin1");
  return new TextDecoder(isUtf8(bytes) ? "utf-8" : "windows-1252").decode(bytes);
}

/** What the data of an encoded word stands for, before its charset is asked. */
export function wordBytes(encoding: string, data: string): Buffer {
  if (encoding.toLowerCase() === "b") return Buffer.from(data, "base64");
  const bytes = data
    .replaceAll("_", " ")
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1");
}

/**
 * Free text of a field (latin1, unfolded), decoded. Neighbours of one charset are decoded together: many programs cut
 * a character of several bytes in two.
 */
export function decodeText(latin1: string): string {
  // RFC 2047 §6.2: the space between two encoded words is none of the text.
  const joined = latin1.replace(/(\?=)[ \t]+(?==\?[^?\s]+\?[BbQq]\?[^?]*\?=)/g, "$1");
  const words = [...joined.matchAll(ENCODED_WORD)];
  let [text, at] = ["", 0];
  for (let n = 0; n < words.length; ) {
    const first = words[n] as RegExpExecArray;
    const charset = (first[1] as string).toLowerCase();
    text += textOfBytes(joined.slice(at, first.index));
    at = first.index;
    const bytes: Buffer[] = [];
    for (let next = words[n]; next?.index === at && next[1]?.toLowerCase() === charset; next = words[++n]) {
      bytes.push(wordBytes(next[2] as string, next[3] as string));
      at += next[0].length;
    }
    text += decoded(charset, Buffer.concat(bytes)) ?? joined.slice(first.index, at);
  }
  return text + textOfBytes(joined.slice(at));
}

function decoded(charset: string, bytes: Buffer): string | undefined {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return undefined; // a charset that nobody here knows
  }
}
