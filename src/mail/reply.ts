/**
 * An SMTP reply as a value: what we say to clients and what an upstream said to us.
 *
 * Promises: text is one line of printable ASCII when it comes from `reply()`.
 * Refuses nothing: an upstream's bytes are cleaned by `visible()` before anyone sees them.
 */

/** An enhanced status code, RFC 3463 §2: class.subject.detail. */
export type EnhancedCode = `${2 | 4 | 5}.${number}.${number}`;

/** A reply line: RFC 5321 §4.2. `text` is without the codes. */
export interface Reply {
  readonly code: number;
  readonly enhanced: EnhancedCode;
  readonly text: string;
}

/** Makes a reply of our own; control and 8-bit characters in `text` become `?`. */
export function reply(code: number, enhanced: EnhancedCode, text: string): Reply {
  return { code, enhanced, text: text.replace(/[^\x20-\x7e]/g, "?") };
}

/** What follows the three digits: `5.7.1 text`. */
export function replyText({ enhanced, text }: Reply): string {
  return `${enhanced} ${text}`;
}

/** A reply as it stands on the wire, without CRLF: `550 5.7.1 text`. */
export function replyLine(reply: Reply): string {
  return `${reply.code} ${replyText(reply)}`;
}

/**
 * A stranger's text made safe for a log, a terminal and a page: line breaks become ` / `, other control
 * and non-ASCII characters `\xNN`; cut at `max` characters.
 */
export function visible(text: string, max = 512): string {
  const flat = text.replace(/\r?\n/g, " / ").replace(/[^\x20-\x7e]/g, (c) => {
    const code = c.charCodeAt(0);
    return code < 256
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
  return flat.length > max ? `${flat.slice(0, max)}…` : flat;
}
