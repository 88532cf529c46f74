/**
 * Lines about the way to the upstream: names, ports, the addresses that a firewall has to let through, where we come from.
 *
 * Promises: connects once to the configured port of each address (of at most ADDRESSES), and to the other two ports of the
 * first; says which of them are blocked, and whether refused or without an answer.
 */
import { isIP } from "node:net";
import { about, type Finding } from "./finding.ts";
import type { Door, Patient, Target } from "./patient.ts";
import type { Ports, Reach } from "./ports.ts";

const ADDRESSES = 8;

/** What is known of one host after looking and knocking. */
export interface HostSight {
  readonly host: string;
  readonly findings: readonly Finding[];
  /** An address and a port that are open: the configured one, else another, so that the rest can be looked at. */
  readonly open?: { readonly address: string; readonly localAddress: string; readonly door: Door };
}

export async function hostSight(
  host: string,
  target: Target,
  patient: Patient,
  ports: Ports,
): Promise<HostSight> {
  const line = about("dns", host);
  const found = isIP(host) ? { ok: true as const, addresses: [host] } : await ports.lookup(host);
  if (!found.ok || found.addresses.length === 0) {
    const why = found.ok ? "it has no address" : found.why;
    const remedy =
      "see whether upstream.hosts is spelt right and /etc/resolv.conf names a DNS server that works";
    return { host, findings: [line.failed(`it cannot be looked up: ${why}`, remedy)] };
  }
  const dns = isIP(host) ? line.ok("is an address, nothing to look up") : line.ok(found.addresses.join(", "));
  const published = patient.preset?.hosts.includes(host) ? patient.preset.publishedAddresses : [];
  const addresses = [...new Set([...found.addresses, ...published])].slice(0, ADDRESSES);
  const knocks = await knock(addresses, target, ports);
  const resolved = knocks.filter(({ address }) => found.addresses.includes(address));
  return {
    host,
    findings: [
      dns,
      ...portFindings(host, target, resolved),
      ...firewallFindings(host, target, { resolved: found.addresses, published, knocks }),
    ],
    ...openOf(target, resolved),
  };
}

interface Knock {
  readonly address: string;
  readonly port: number;
  readonly reach: Reach;
}

/** Every address at the configured port, the first one at the other ports too; all at once. */
function knock(
  addresses: readonly string[],
  { port, otherDoors }: Target,
  { reach }: Ports,
): Promise<Knock[]> {
  const [first] = addresses;
  const places = [
    ...addresses.map((address) => ({ address, port })),
    ...(first === undefined ? [] : otherDoors.map((door) => ({ address: first, port: door.port }))),
  ];
  return Promise.all(
    places.map(async ({ address, port }) => ({ address, port, reach: await reach(address, port) })),
  );
}

/** The ports of the host, each in a line, the configured one first; those that we do not use are only worth a word. */
function portFindings(host: string, target: Target, knocks: readonly Knock[]): Finding[] {
  const isOpen = (port: number) => knocks.some((one) => one.port === port && one.reach.ok);
  const used = isOpen(target.port);
  const other = target.otherDoors.find(({ port }) => isOpen(port));
  const firewall = `ask whoever runs the firewall to let this host out to ${host}, TCP port ${target.port}`;
  return [target, ...target.otherDoors].map(({ port }) => {
    const line = about("port", `${host}:${port}`);
    if (isOpen(port)) return line.ok(port === target.port ? "open" : "open, not used");
    const blocked = howBlocked(knocks.find((one) => one.port === port)?.reach);
    if (used) return line.ok(`${blocked}; not used`);
    if (port !== target.port)
      return line.warn(blocked, other ? `use ${other.port}, which is open` : firewall);
    if (other === undefined) return line.failed(blocked, firewall);
    const remedy = `${other.port} is open: set upstream.port: ${other.port} and upstream.security: ${other.security}`;
    return line.failed(blocked, remedy);
  });
}

function howBlocked(reach: Reach | undefined): string {
  const code = reach && !reach.ok ? reach.code : "not tried";
  switch (code) {
    case "ECONNREFUSED":
      return "blocked: the connection is refused";
    case "ETIMEDOUT":
      return "blocked: no answer, which is how a firewall that drops packets looks";
    case "ENETUNREACH":
    case "EHOSTUNREACH":
      return `blocked: there is no way there (${code})`;
    default:
      return `blocked (${code})`;
  }
}

interface Firewall {
  readonly resolved: readonly string[];
  readonly published: readonly string[];
  readonly knocks: readonly Knock[];
}

/** "Does a firewall block the listed addresses?" Only IPv4 ones are listed. */
function firewallFindings(
  host: string,
  { port }: Target,
  { resolved, published, knocks }: Firewall,
): Finding[] {
  const line = about("address", host);
  const shut = knocks.filter((one) => one.port === port && !one.reach.ok).map(({ address }) => address);
  const anyOpen = knocks.some((one) => one.port === port && one.reach.ok);
  if (published.length === 0) {
    const [first] = shut;
    if (anyOpen && first !== undefined) {
      const remedy = `let this host out to it in the firewall, TCP port ${port}`;
      return [line.warn(`${shut.join(", ")} cannot be reached, other addresses can`, remedy)];
    }
    return [
      line.unknown(
        "which addresses its service publishes for firewalls is not known here",
        "compare with what the relay service told you",
      ),
    ];
  }
  const findings: Finding[] = [];
  const strange = resolved.filter((address) => isIP(address) === 4 && !published.includes(address));
  if (strange.length > 0) {
    const found = `it resolves to ${strange.join(", ")}, not among the published ${published.join(", ")}`;
    const remedy = `ask the relay service for its list of today, and let this host out to all of it, TCP port ${port}`;
    findings.push(line.warn(found, remedy));
  }
  const blocked = shut.filter((address) => published.includes(address));
  if (anyOpen && blocked.length > 0) {
    const remedy = `ask whoever runs the firewall to let this host out to ${blocked.join(", ")}, TCP port ${port}`;
    findings.push(line.failed(`of the published addresses, ${blocked.join(", ")} cannot be reached`, remedy));
  }
  if (findings.length > 0) return findings;
  if (!anyOpen) {
    const remedy = `ask whoever runs the firewall to let this host out to ${published.join(", ")}, TCP port ${port}`;
    return [line.failed("none of the published addresses can be reached", remedy)];
  }
  return [line.ok(`all of ${resolved.join(", ")} are published, and every published one can be reached`)];
}

function openOf(target: Target, knocks: readonly Knock[]): Pick<HostSight, "open"> {
  for (const { port, security } of [target, ...target.otherDoors]) {
    for (const { address, port: knocked, reach } of knocks) {
      if (knocked === port && reach.ok)
        return { open: { address, localAddress: reach.localAddress, door: { port, security } } };
    }
  }
  return {};
}
