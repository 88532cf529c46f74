/**
 * The bounds of what we are willing to read as an address or a head.
 *
 * They keep every later step linear and small: nothing past this folder meets a head, a field or an
 * address larger than these. KB is 1000 bytes, as in the config.
 */

/** The whole head with its line ends, before our own fields. */
export const headMaxBytes = 100_000;
/** One field with its folding and line ends. */
export const fieldMaxBytes = 16_000;
/** Fields in a head. */
export const headMaxFields = 1_000;

/** RFC 5321 §4.5.3.1.1 */
export const localMaxOctets = 64;
/** RFC 5321 §4.5.3.1.3 bounds a path at 256 octets, brackets included. */
export const addressMaxOctets = 254;
/** RFC 1035 §2.3.4, as text and without the root dot. */
export const domainMaxOctets = 253;
/** Display names over this are left out, so that `From: name <address>` fits a line of 998 (RFC 5322 §2.1.1). */
export const nameMaxOctets = 640;
