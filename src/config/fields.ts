/**
 * The single values of the config: each reads a text and gives what the program works with, or says what is wrong.
 *
 * Promises: every refusal is a sentence with a remedy (zod issue, `params.remedy`).
 * Refuses: anything that would have to be guessed. Nothing here looks at other keys, files or the environment.
 */
import { isIP } from "node:net";
import { createSecureContext } from "node:tls";
import * as z from "zod";
import { type ListenAddress, parseListenAddress } from "./listen-address.ts";
import { parseDuration, parseSize } from "./units.ts";

/** Why a text is not what it should be, and what to write instead. */
interface Refusal {
  readonly problem: string;
  readonly remedy: string;
}
/** What a field made of a text. */
export type Reading<T> = { readonly value: T } | Refusal;

/** A value read from a text by `reader`; `title` names its kind in the JSON Schema. */
export function field<T>(title: string, reader: (text: string) => Reading<T>) {
  return z
    .string()
    .transform((text, context): T => {
      const reading = reader(text);
      if ("value" in reading) return reading.value;
      context.addIssue({ code: "custom", message: reading.problem, params: { remedy: reading.remedy } });
      return z.NEVER;
    })
    .meta({ title });
}

/** A text with at least one character and no control characters. */
export const text = field("text", (value): Reading<string> => {
  if (/^[^\x00-\x1f\x7f]+$/.test(value)) return { value };
  return { problem: "is empty or has control characters in it", remedy: "write a plain text in one line" };
});

/** A local user: a name as in /etc/passwd, or `uid:1234`. */
export const userName = field("local user", (value): Reading<string> => {
  if (/^uid:(0|[1-9]\d*)$/.test(value) || /^(?!\d+$)[^\s:#/\x00-\x1f\x7f]{1,256}$/.test(value))
    return { value };
  return { problem: "is not a local user", remedy: "write a name of /etc/passwd, or uid:1234" };
});

/** Bytes between `min` and `max`, both texts such as `10KB`. */
export function size(min: string, max: string) {
  return z
    .union([z.string(), z.number()])
    .transform((value, context): number => {
      const bytes = parseSize(value);
      if (bytes === undefined) {
        const remedy = "write a number with a unit, e.g. 5MB (5,000,000 bytes) or 5MiB (5,242,880)";
        context.addIssue({ code: "custom", message: "is not a size", params: { remedy } });
        return z.NEVER;
      }
      if (bytes < parseSize(min)! || bytes > parseSize(max)!) {
        const message = `is not between ${min} and ${max}`;
        context.addIssue({ code: "custom", message, params: { remedy: "write a size in that range" } });
      }
      return bytes;
    })
    .meta({ title: "size" });
}

/** Milliseconds between `min` and `max`, both texts such as `30s`. */
export function duration(min: string, max: string) {
  return field("duration", (value) => readDuration(value, min, max));
}

/** The same, or `off`, which comes out as undefined. */
export function durationOrOff(min: string, max: string) {
  return field("duration or off", (value): Reading<number | undefined> => {
    return value === "off" ? { value: undefined } : readDuration(value, min, max);
  });
}

function readDuration(value: string, min: string, max: string): Reading<number> {
  const ms = parseDuration(value);
  if (ms === undefined) {
    return { problem: "is not a duration", remedy: "write a number and a unit: 30s, 10m, 1h or 4d" };
  }
  if (ms < parseDuration(min)! || ms > parseDuration(max)!) {
    return { problem: `is not between ${min} and ${max}`, remedy: "write a duration in that range" };
  }
  return { value: ms };
}

/** A DNS name as it may stand in EHLO; RFC 5321 §2.3.5, RFC 1123 §2.1. */
export const hostname = field("host name", (value): Reading<string> => {
  if (plausibleHostname(value)) return { value };
  return {
    problem: "is not a host name",
    remedy: "write the full name of this machine, e.g. app01.lab.wisc.edu",
  };
});

/** A name or an IP address to connect to. */
export const host = field("host", (value): Reading<string> => {
  if (plausibleHostname(value) || isIP(value) !== 0) return { value };
  const remedy = "write a name or an IP address only; the port has a key of its own";
  return { problem: "is not a host", remedy };
});

function plausibleHostname(value: string): boolean {
  const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
  const labels = value.split(".");
  return value.length <= 253 && labels.every((part) => label.test(part)) && !/^\d+$/.test(labels.at(-1)!);
}

/** A part of sluice that is not wanted. */
export const off = field("off", (value): Reading<"off"> => {
  if (value === "off") return { value };
  return {
    problem: "is neither off nor a map",
    remedy: "write off, or e.g. listen: 127.0.0.1:8025 below it",
  };
});

/** `127.0.0.1:25` or `[::1]:25`; port 0 lets the system choose one. */
export const listenAddress = field("address:port", (value): Reading<ListenAddress> => {
  const address = parseListenAddress(value);
  if (address !== undefined) return { value: address };
  return { problem: "is not an IP address with a port", remedy: "write e.g. 127.0.0.1:25 or [::1]:25" };
});

/** `10.0.0.0/8` or a single address; comes out with its prefix length. */
export const clientRange = field("address range", (value): Reading<string> => {
  const [address = "", prefix, ...more] = value.split("/");
  const version = isIP(address);
  const bits = version === 4 ? 32 : 128;
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (version !== 0 && length <= bits && more.length === 0) return { value: `${address}/${length}` };
  return {
    problem: "is not a range of IP addresses",
    remedy: "write e.g. 10.1.2.0/24, fd00::/8 or 10.1.2.3",
  };
});

/** One IP address. */
export const ipAddress = field("IP address", (value): Reading<string> => {
  if (isIP(value) !== 0) return { value };
  return { problem: "is not an IP address", remedy: "write e.g. 203.0.113.7, without a prefix length" };
});

/** The pace of an account that needs none. */
export const unlimited = field("unlimited", (value): Reading<"unlimited"> => {
  if (value === "unlimited") return { value };
  return { problem: "is not a pace", remedy: "write pace: { perHour: 2000 } or pace: unlimited" };
});

/** `20%`, at most 90; comes out as 0.2. */
export const percent = field("percentage", (value): Reading<number> => {
  const [, digits] = /^(\d{1,3}(?:\.\d)?) ?%$/.exec(value) ?? [];
  if (digits === undefined) return { problem: "is not a percentage", remedy: "write 0% to 90%, e.g. 20%" };
  if (Number(digits) > 90) return { problem: "is above 90%", remedy: "write 0% to 90%, e.g. 20%" };
  return { value: Number(digits) / 100 };
});

/** A day of any year: 07-01. */
export const monthDay = field("day (MM-DD)", (value): Reading<string> => {
  const date = new Date(`2023-${value}T00:00:00Z`); // no leap year: the day has to be in every year
  const known = /^\d\d-\d\d$/.test(value) && !Number.isNaN(date.getTime());
  if (known && date.toISOString().slice(5, 10) === value) return { value };
  return { problem: "is not a day of the year", remedy: "write MM-DD, e.g. 07-01" };
});

/** An OpenSSL list of ciphers that leaves one at least. */
export const ciphers = field("list of ciphers", (value): Reading<string> => {
  try {
    createSecureContext({ ciphers: value });
    return { value };
  } catch {
    const remedy = "write names that `openssl ciphers` knows, with colons between, or leave it out";
    return { problem: "names no cipher that OpenSSL knows here", remedy };
  }
});

/** A path, before variables and relative paths are resolved. */
export const path = field("path", (value): Reading<string> => {
  if (value === "" || value.includes("\0"))
    return { problem: "is not a path", remedy: "write the path of a file" };
  const foreign = /\$(?!\{(?:CREDENTIALS_DIRECTORY|STATE_DIRECTORY)\})/.test(value);
  if (!foreign) return { value };
  const remedy = `write the path out; only \${CREDENTIALS_DIRECTORY} and \${STATE_DIRECTORY} are known here`;
  return { problem: "has a variable in it that is not expanded", remedy };
});

/** A Redis URL without a password in it. */
export const redisUrl = field("URL", readRedisUrl);

type RedisPlace =
  | { kind: "embedded" }
  | { kind: "external"; url: string; passwordFile?: string | undefined; caFile?: string | undefined };

/** `embedded` or a URL: Redis in one word. */
export const redisPlace = field("embedded or URL", (value): Reading<RedisPlace> => {
  if (value === "embedded") return { value: { kind: "embedded" } };
  const url = readRedisUrl(value);
  return "value" in url ? { value: { kind: "external", url: url.value } } : url;
});

function readRedisUrl(value: string): Reading<string> {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const remote = (url?.protocol === "redis:" || url?.protocol === "rediss:") && url.hostname !== "";
  if (!url || !(remote || /^unix:\/\/\/./.test(value))) {
    const remedy = "write embedded, redis://host:6379, rediss://host:6379 or unix:///path";
    return { problem: "is not a Redis URL", remedy };
  }
  if (url.password === "" && !url.searchParams.has("password")) return { value };
  return {
    problem: "has a password in it, and everybody may read it there",
    remedy: "write redis: { url: …, passwordFile: … } in the config file, the password in a file of its own",
  };
}

/** The name of a header field; RFC 5322 §2.2. Comes out in lower case. */
export const fieldName = field("field name", (value): Reading<string> => {
  if (/^[\x21-\x39\x3b-\x7e]+$/.test(value)) return { value: value.toLowerCase() };
  return { problem: "is not the name of a header field", remedy: "write e.g. X-Priority, without the colon" };
});

/** The name of an account: it appears in Redis keys, metrics and file names. */
export const accountName = field("name", (value): Reading<string> => {
  if (value === "unassigned")
    return { problem: "is a name that sluice uses itself", remedy: "choose another name" };
  if (/^[a-z0-9][a-z0-9-]{0,31}$/.test(value)) return { value };
  const remedy = "write 1 to 32 lower-case letters, digits and hyphens, e.g. portal";
  return { problem: "is not an account name", remedy };
});

/** The pattern of a rule for replies. A long reply must not keep us busy, and it comes from a stranger. */
export const replyPattern = field("pattern", (value): Reading<string> => {
  const short = "write the few words of the reply that tell it from others";
  if (value === "" || value.length > 200)
    return { problem: "is empty or has more than 200 characters", remedy: short };
  try {
    new RegExp(value, "i");
  } catch {
    const remedy = "put a backslash before each of \\ . * + ? ^ $ { } ( ) [ ] | that stands for itself";
    return { problem: "is not a regular expression", remedy };
  }
  // what may take exponential time repeats a group
  const bones = value.replace(/\\./g, "").replace(/\[[^\]]*\]/g, "");
  if (/\)[*+{]/.test(bones))
    return { problem: "repeats a group, which may take for ever", remedy: "write .* instead" };
  return { value };
});
