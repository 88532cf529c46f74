/**
 * Queue ids: what names a message everywhere — in the 250, the log, the spool, Redis and the commands.
 *
 * Promises: ids made by one maker sort by the time they were made, strictly; 14 characters of
 * lower-case letters and digits, never digits alone (BullMQ refuses integers), safe as a file name.
 * Refuses nothing; `isQueueId` is the check for ids that come from outside.
 */

// Crockford's alphabet: no i, l, o, u, so that an id can be read out over the telephone.
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_LENGTH = 11; // 55 bits: milliseconds and ten bits of sequence, good until the year 3084
const SEQUENCE_PER_MS = 1024n;
const ID = /^[0-9a-hjkmnp-tv-z]{13}[a-hjkmnp-tv-z]$/;

/** Is this text shaped like a queue id of ours? */
export function isQueueId(text: string): boolean {
  return ID.test(text);
}

/** The accept time that a queue id carries, in milliseconds since 1970. */
export function timeOfQueueId(id: string): number {
  let value = 0n;
  for (const c of id.slice(0, TIME_LENGTH)) value = value * 32n + BigInt(ALPHABET.indexOf(c));
  return Number(value / SEQUENCE_PER_MS);
}

/**
 * The id of something that belongs to message `id`, and is to be made once: always the same for the same `fingerprint`
 * (two bytes or more). Sorts beside the message; no other message has an id that begins like that, and it is not its own.
 */
export function derivedQueueId(id: string, fingerprint: Buffer): string {
  const [a = 0, b = 0, c = 0] = fingerprint;
  const at = (byte: number, from = 0) => ALPHABET.charAt(from + (byte % (32 - from)));
  const made = id.slice(0, TIME_LENGTH) + at(a) + at(b) + at(c, 10);
  return made === id ? id.slice(0, -1) + at(ALPHABET.indexOf(id.at(-1) ?? "") - 9, 10) : made;
}

/** Makes the function that makes ids. `random` gives numbers in [0, 1). */
export function queueIdMaker(options: { now: () => number; random: () => number }): () => string {
  let last = 0n;
  const pick = (from: number) => ALPHABET.charAt(from + Math.floor(options.random() * (32 - from)));
  return () => {
    const fromClock = BigInt(Math.floor(options.now())) * SEQUENCE_PER_MS;
    last = fromClock > last ? fromClock : last + 1n; // never backwards, even when the clock is
    let time = "";
    for (let rest = last; time.length < TIME_LENGTH; rest /= 32n)
      time = ALPHABET.charAt(Number(rest % 32n)) + time;
    return time + pick(0) + pick(0) + pick(10); // the last one is always a letter
  };
}
