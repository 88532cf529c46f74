/**
 * Tells a mail client from everything else that finds an open port: browsers, TLS clients, port scanners.
 *
 * Promises: whatever a web page can be made to send to this port is recognised before any command of it is
 * obeyed (cross-protocol request forgery: the loopback is no authentication).
 * Refuses to judge valid SMTP: an unknown verb is the command parser's business.
 */

const HTTP_METHOD = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT|PRI)(?:\s|$)/i;
const HTTP_VERSION = /\sHTTP\/\d/i;
// `Host:`, `Content-Type:`, and also `Subject:`: the head of a message whose DATA was refused, sent unasked.
const FIELD = /^[A-Za-z][A-Za-z0-9-]*:/;

/** What the first byte of a connection gives away; undefined when it may begin an SMTP command. */
export function foreignStart(firstByte: number): string | undefined {
  // RFC 8446 §5.1: a TLS record of type handshake (22).
  if (firstByte === 0x16) return "TLS";
  const printable = firstByte >= 0x20 && firstByte < 0x7f;
  const blank = firstByte === 0x0d || firstByte === 0x0a || firstByte === 0x09;
  return printable || blank ? undefined : "binary data";
}

/** What a command line (without its line end) gives away; undefined when it may be SMTP. */
export function foreignCommand(line: Buffer): string | undefined {
  for (const byte of line) {
    if (byte === 0) return "NUL bytes in commands";
    if (byte >= 0x80) return "8-bit characters in commands (no SMTPUTF8)";
  }
  const text = line.toString("latin1");
  if (HTTP_METHOD.test(text) || HTTP_VERSION.test(text)) return "HTTP";
  if (FIELD.test(text)) return "header fields where a command is due";
  if (text.startsWith("SSH-")) return "SSH";
  return undefined;
}
