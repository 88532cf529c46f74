/**
 * The machine's full name, for EHLO when the config gives none.
 *
 * Promises: what `hostname -f` says on a machine set up the usual way, without asking DNS and without a child process.
 * Refuses: to invent a domain: where none is known the short name comes out, and `check` warns.
 */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** The full name of this machine: its own name, the canonical one in /etc/hosts, or with the domain of resolv.conf. */
export function machineName(): string {
  return fullName(hostname(), readOrEmpty("/etc/hosts"), readOrEmpty("/etc/resolv.conf"));
}

/** The same, from the three texts. */
export function fullName(name: string, hosts: string, resolvConf: string): string {
  if (name.includes(".")) return name;
  for (const line of hosts.split("\n")) {
    // hosts(5): address, canonical name, aliases
    const [, canonical, ...aliases] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (canonical?.includes(".") && aliases.includes(name) && !canonical.startsWith("localhost."))
      return canonical;
  }
  // resolv.conf(5): the last of `domain` and `search` counts.
  const domains = [...resolvConf.matchAll(/^\s*(?:domain|search)\s+([\w.-]+)/gm)].map((match) => match[1]!);
  const domain = domains.at(-1)?.replace(/\.$/, "");
  return domain ? `${name}.${domain}` : name;
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
