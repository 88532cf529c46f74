/**
 * Where a recipient's mail goes: aliases, names without a domain, and the domains an account may send to.
 *
 * An unqualified name is looked up as it is, then with @hostname, both also in lower case (RFC 5321 §4.5.1
 * wants postmaster in any case; aliases(5) has always been so); an address is looked up as it is. A key that
 * is no pattern comes before one that is, and of patterns the first wins. An alias is not looked up again.
 * Refuses an unqualified name without an alias: there is no mailbox on this machine to put it in.
 */
import { type Address, domainOf, type Path, qualify } from "../mail/address.ts";
import { type Reply, reply } from "../mail/reply.ts";
import { matchesDomain, matchesPattern } from "./pattern.ts";

export interface RecipientPolicy {
  readonly hostname: string;
  /** Keys: `root`, `x@y`, `*@app01.internal`. */
  readonly aliases: ReadonlyMap<string, Address>;
}

/** `alias` is the key that led to `address`. */
export type RecipientResult =
  | { readonly ok: true; readonly address: Address; readonly alias?: string }
  | { readonly ok: false; readonly reply: Reply };

/** Resolves the path of a RCPT TO. */
export function resolveRecipient(policy: RecipientPolicy, path: Path): RecipientResult {
  switch (path.kind) {
    case "null":
      return { ok: false, reply: reply(501, "5.1.3", "The recipient address is empty") };
    case "address":
      return lookup(policy.aliases, [path.address], path.address) ?? { ok: true, address: path.address };
    case "local":
      return resolveLocal(policy, path.local);
  }
}

function resolveLocal({ aliases, hostname }: RecipientPolicy, local: string): RecipientResult {
  const qualified = [local, local.toLowerCase()].flatMap(
    (name) => qualify({ kind: "local", local: name }, hostname) ?? [],
  );
  const found = lookup(aliases, [local, local.toLowerCase(), ...qualified], qualified[0]);
  if (found) return found;
  const text = `No address for ${local}; add it to recipients.aliases, or give the program a full address`;
  return { ok: false, reply: reply(550, "5.1.1", text) };
}

/** The first of `keys` that is an alias, else the first pattern that matches `address`. */
function lookup(
  aliases: RecipientPolicy["aliases"],
  keys: readonly string[],
  address: Address | undefined,
): RecipientResult | undefined {
  const alias =
    keys.find((key) => aliases.has(key)) ??
    [...aliases.keys()].find((key) => key.includes("@") && address && matchesPattern(key, address));
  const target = alias === undefined ? undefined : aliases.get(alias);
  return alias === undefined || target === undefined ? undefined : { ok: true, address: target, alias };
}

/** Whether an account whose `allowDomains` these are may send to the address; an empty list allows all. */
export function domainAllowed(allowDomains: readonly string[], address: Address): boolean {
  return (
    allowDomains.length === 0 || allowDomains.some((pattern) => matchesDomain(pattern, domainOf(address)))
  );
}
