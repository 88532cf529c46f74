/**
 * What the listener's last word means to the program that called sendmail: an exit code of sysexits.h.
 *
 * The one place where replies become codes. A code other than 0 promises that nothing was queued, or, when the
 * connection was lost after the final dot, says 75: to send it again is right then, at the price of a repeat.
 */
import { type ExitCode, exit } from "./exit.ts";

/** The first match wins. The enhanced codes (RFC 3463) are those of intake/replies.ts. */
const MEANINGS: readonly (readonly [RegExp, ExitCode])[] = [
  [/^2/, exit.ok],
  [/^452 4\.5\.3\b/, exit.data], // too many recipients: the same again would be refused again
  [/^4/, exit.tryAgain],
  [/^5\d\d 5\.1\.1\b/, exit.noUser],
  [/^5\d\d 5\.[136]\./, exit.data], // an address, the size, the form of the message
  [/^5\d\d 5\.7\./, exit.notAllowed], // sender, recipient's domain or client against policy
  [/^5\d\d 5\.5\./, exit.bug], // we and our own listener do not understand each other
];

/** `reply`: its last line, with the codes. */
export function exitCodeOfReply(reply: string): ExitCode {
  return MEANINGS.find(([pattern]) => pattern.test(reply))?.[1] ?? exit.unavailable;
}
