/**
 * How long an upstream is waited for, stage by stage. RFC 5321 §4.5.3.2.
 *
 * Each is for one whole reply (an upstream that drips bytes gains nothing), except `commandMs` while the
 * message is sent: there it is for the next piece to be taken.
 */
export interface Timeouts {
  /** The lookup, and the TCP connection to one address. */
  readonly connectMs: number;
  /** RFC 5321 §4.5.3.2.1. */
  readonly greetingMs: number;
  /** RFC 5321 §4.5.3.2.2 to §4.5.3.2.5, the longest of them; also the TLS handshake. */
  readonly commandMs: number;
  /** RFC 5321 §4.5.3.2.6: ten minutes for the reply to the final dot. */
  readonly dotMs: number;
  /** The answer to QUIT; nothing hangs on it. */
  readonly quitMs: number;
}

const MINUTE_MS = 60_000;

export const DEFAULT_TIMEOUTS: Timeouts = {
  connectMs: MINUTE_MS / 2,
  greetingMs: 5 * MINUTE_MS,
  commandMs: 5 * MINUTE_MS,
  dotMs: 10 * MINUTE_MS,
  quitMs: 2_000,
};
