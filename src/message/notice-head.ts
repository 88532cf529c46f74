/**
 * The header of the original message as a notice returns it: text/rfc822-headers, RFC 6522 §4.
 *
 * Promises: the head only, whatever stands after its empty line; whole lines, as many as fit in 32 KB; 7-bit lines
 * as they are when nothing speaks against it, quoted-printable otherwise; no line that begins like a MIME boundary
 * of ours, whose `=_` neither form can hold at a line's start.
 */

/** For the part's lines as they are written, after encoding. KB is 1000 bytes. */
const MAX_BYTES = 32_000;
// RFC 5322 §2.1.1
const LINE_MAX = 998;
// RFC 2045 §6.7 rule 5
const QP_LINE_MAX = 76;

export interface ReturnedHead {
  readonly encoding: "7bit" | "quoted-printable";
  readonly lines: readonly string[];
  /** Whether all of it is there. */
  readonly extent: "whole" | "cut";
}

/** What of `head` goes into the notice. */
export function returnedHead(head: Buffer): ReturnedHead {
  // Canonical bytes have CRLF only; should they ever not, no odd line end gets out or hides where the body begins.
  const all = head.toString("latin1").split(/\r\n|\r|\n/);
  const original = all.slice(0, all.indexOf("") < 0 ? all.length : all.indexOf(""));
  const encoding = original.every(isPlainLine) ? "7bit" : "quoted-printable";
  const lines: string[] = [];
  let bytes = 0;
  for (const line of original) {
    const written = encoding === "7bit" ? [line] : quotedPrintable(line);
    bytes += written.reduce((sum, one) => sum + one.length + 2, 0);
    if (bytes > MAX_BYTES) return { encoding, lines, extent: "cut" };
    lines.push(...written);
  }
  return { encoding, lines, extent: "whole" };
}

/** Two dashes could be a boundary (`--=_x:` is even a lawful field name). */
function isPlainLine(line: string): boolean {
  return line.length <= LINE_MAX && /^[\t\x20-\x7e]*$/.test(line) && !line.startsWith("--");
}

/** RFC 2045 §6.7: one line of bytes (latin1) as lines that end in a soft break, but for the last. */
function quotedPrintable(line: string): string[] {
  const lines: string[] = [];
  let current = "";
  for (let i = 0; i < line.length; i++) {
    const c = line.charAt(i);
    const atEnd = i === line.length - 1;
    const literal = /[!-<>-~]/.test(c) || (!atEnd && /[ \t]/.test(c));
    const token = literal ? c : `=${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
    if (current.length + token.length > QP_LINE_MAX - 1) {
      lines.push(`${current}=`);
      current = "";
    }
    current += token;
  }
  return [...lines, current];
}
