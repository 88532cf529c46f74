/**
 * The name of a credential in Redis: hosts that use it share what begins so, whatever they call the account.
 *
 * Promises: no user name stands in Redis; the braces keep all keys of a credential on one node of a cluster.
 */
import { createHash } from "node:crypto";

/** What tells a credential from another: `0123456789abcdef` */
export function credentialId(username: string): string {
  return createHash("sha256").update(username).digest("hex").slice(0, 16);
}

/** `{sluice:pace:0123456789abcdef}` */
export function credentialKey(username: string): string {
  return `{sluice:pace:${credentialId(username)}}`;
}
