/**
 * The patterns of `senders.rewrite[].match`, `recipients.aliases` and `allowDomains`.
 *
 * `a@b` is one address, `root@*` a local part anywhere, `*@app01.internal` a whole domain, and `*.wisc.edu`
 * in place of a domain everything below it, itself not included. Local parts are compared exactly, domains
 * in lower case. Promises: a suffix only ever matches at a dot, so `evilwisc.edu` is not below `wisc.edu`.
 */
import { type Address, domainOf, isDomain, localOf, parseAddress } from "../mail/address.ts";

/** Whether `text` is a domain, `*.domain` or `*`. */
export function isDomainPattern(text: string): boolean {
  return text === "*" || isDomain(text.startsWith("*.") ? text.slice(2) : text);
}

/** Whether `text` is an address or a pattern of addresses as described above. */
export function isPattern(text: string): boolean {
  const { local, domain } = split(text);
  // A star is a legal letter of a local part, but nobody means that one in a pattern.
  const isLocal =
    local === "*" || (!local.includes("*") && parseAddress(`${local}@example.edu`) !== undefined);
  return isLocal && isDomainPattern(domain);
}

/** Whether a pattern that passed isPattern() matches the address. */
export function matchesPattern(pattern: string, address: Address): boolean {
  const { local, domain } = split(pattern);
  return (local === "*" || local === localOf(address)) && matchesDomain(domain, domainOf(address));
}

/** Whether a pattern that passed isDomainPattern() matches the lower-case domain. */
export function matchesDomain(pattern: string, domain: string): boolean {
  const wanted = pattern.toLowerCase();
  if (wanted === "*") return true;
  return wanted.startsWith("*.") ? domain.endsWith(wanted.slice(1)) : domain === wanted;
}

function split(pattern: string): { local: string; domain: string } {
  const at = pattern.lastIndexOf("@");
  return { local: pattern.slice(0, Math.max(at, 0)), domain: pattern.slice(at + 1) };
}
