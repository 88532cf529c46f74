/**
 * `log.recipients: hashed`: whom mail went to does not stand in the log. The journal, which only the agent's user reads,
 * keeps the addresses, so `sluice trace` finds a message by them all the same.
 *
 * Promises: pure; the same address has the same hash on one installation, and nobody without its key can tell by trying
 * which address a hash stands for. The domain stays readable: it is what tells where trouble is. Addresses in the words of
 * an upstream are hidden too; the sender's own stay.
 */
import { createHmac } from "node:crypto";

/** RFC 5321 §4.5.3.1.1, .2: 64 octets before the @ and 255 behind it, so that no text costs more than its length. */
const ADDRESS = /[^\s@<>()[\]{},;:"\\|=]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?/g;
const HASH_LENGTH = 12;

/** The keys under which a sender stands: theirs is what an operator has to know. */
const OF_SENDERS: ReadonlySet<string> = new Set(["sender", "from", "pair", "account", "messageId", "rule"]);

export type HashAddress = (address: string) => string;

/** `bob@example.org` becomes `#3f9a1c22d0b4@example.org`. */
export function addressHasher(key: Buffer): HashAddress {
  return (address) => {
    const at = address.lastIndexOf("@");
    const hash = createHmac("sha256", key).update(address.toLowerCase()).digest("hex").slice(0, HASH_LENGTH);
    return `#${hash}${at < 0 ? "" : address.slice(at).toLowerCase()}`;
  };
}

/** What the log says in place of this: the same, recipients hashed wherever they stand. */
export function hideRecipients(said: object, hash: HashAddress): object {
  const senders = new Set(addressesUnder(said, OF_SENDERS).map((address) => address.toLowerCase()));
  const words = (text: string) =>
    text.replace(ADDRESS, (address) => (senders.has(address.toLowerCase()) ? address : hash(address)));
  const hidden = (value: unknown, key: string): unknown => {
    if (OF_SENDERS.has(key)) return value;
    if (Array.isArray(value)) return value.map((one) => hidden(one, key));
    if (typeof value === "object" && value !== null) return hiddenIn(value);
    if (typeof value !== "string") return value;
    return key === "recipients" ? hash(value) : words(value);
  };
  const hiddenIn = (value: object): object =>
    Object.fromEntries(Object.entries(value).map(([key, one]) => [key, hidden(one, key)]));
  return hiddenIn(said);
}

/** The addresses that stand under these keys, at any depth. */
function addressesUnder(value: unknown, keys: ReadonlySet<string>): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => {
    if (!keys.has(key)) return addressesUnder(one, keys);
    return typeof one === "string" ? (one.match(ADDRESS) ?? []) : [];
  });
}
