/**
 * What an upstream's EHLO reply offers, read once per session.
 *
 * Promises: keywords in any case, unknown ones kept in `lines`; a number that is malformed counts as not
 * said. Refuses nothing: a HELO-like reply simply offers nothing.
 */
import { visible } from "../mail/reply.ts";

export interface Offer {
  /** The whole reply, one entry a line, without codes; visible. */
  readonly lines: readonly string[];
  /** SASL mechanisms, upper case (RFC 4954 §3). */
  readonly auth: readonly string[];
  /** Largest message it takes, in bytes; absent when not said, or said as 0: no fixed limit (RFC 1870 §4). */
  readonly sizeBytes?: number;
  /** RFC 6152. */
  readonly eightBitMime: boolean;
  /** RFC 2920. */
  readonly pipelining: boolean;
  /** Most MAIL commands in a session (RFC 9422 §4.1). */
  readonly mailMax?: number;
  /** Most RCPT commands in a transaction (RFC 9422 §4.2). */
  readonly rcptMax?: number;
}

/** How a password is said: RFC 4616, and LOGIN for servers that know nothing else; both are for inside TLS only. */
export function authMethod({ auth }: Pick<Offer, "auth">): string | undefined {
  return ["PLAIN", "LOGIN"].find((name) => auth.includes(name));
}

/** Reads the text of a positive EHLO reply: lines split by LF, codes still in front. */
export function readEhlo(reply: string): Offer {
  const lines = reply.split(/\r?\n/).map((line) => line.replace(/^\d{3}[ -]?/, "").trim());
  const keywords = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const [, keyword = "", argument = ""] = /^([A-Za-z0-9-]+)(?:[ =]+(.*))?$/.exec(line) ?? [];
    const before = keywords.get(keyword.toUpperCase());
    keywords.set(keyword.toUpperCase(), before === undefined ? argument : `${before} ${argument}`);
  }
  const limits = keywords.get("LIMITS") ?? "";
  const sizeBytes = positive(keywords.get("SIZE"));
  const mailMax = limit(limits, "MAILMAX");
  const rcptMax = limit(limits, "RCPTMAX");
  return {
    lines: lines.map((line) => visible(line)),
    auth: (keywords.get("AUTH") ?? "").toUpperCase().split(/[ =]+/).filter(Boolean),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    eightBitMime: keywords.has("8BITMIME"),
    pipelining: keywords.has("PIPELINING"),
    ...(mailMax === undefined ? {} : { mailMax }),
    ...(rcptMax === undefined ? {} : { rcptMax }),
  };
}

function limit(limits: string, name: string): number | undefined {
  const entry = limits.split(/ +/).find((text) => text.toUpperCase().startsWith(`${name}=`));
  return positive(entry?.slice(name.length + 1));
}

function positive(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,14}$/.test(text.trim()) ? Number(text) : undefined;
}
