/**
 * "Does the mail come from the authorised IP?" The address that we connect from, against `upstream.static`.
 *
 * Promises: ok only where the connection's own address is registered; behind NAT the service sees another one, and that
 * cannot be told from here.
 */
import { BlockList, isIP } from "node:net";
import { about, type Finding } from "./finding.ts";

/** RFC 1918, RFC 6598, RFC 3927, RFC 1122 §3.2.1.3, RFC 4193, RFC 4291 §2.5: not what a service on the Internet sees. */
const PRIVATE = new BlockList();
for (const [net, prefix] of [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const)
  PRIVATE.addSubnet(net, prefix, "ipv4");
for (const [net, prefix] of [
  ["100.64.0.0", 10],
  ["169.254.0.0", 16],
  ["127.0.0.0", 8],
] as const)
  PRIVATE.addSubnet(net, prefix, "ipv4");
for (const [net, prefix] of [
  ["fc00::", 7],
  ["fe80::", 10],
  ["::1", 128],
] as const)
  PRIVATE.addSubnet(net, prefix, "ipv6");

/** `localAddress`: of the connection to the upstream; undefined when there was none. */
export function egressFinding(localAddress: string | undefined, registered: readonly string[]): Finding {
  const line = about("egress", localAddress ?? "upstream");
  if (localAddress === undefined || isIP(localAddress) === 0)
    return line.unknown("no connection to the upstream, so no address that it came from", "mend that first");
  if (registered.includes(localAddress)) return line.ok("is in upstream.static");
  const isPrivate = PRIVATE.check(localAddress, isIP(localAddress) === 6 ? "ipv6" : "ipv4");
  if (isPrivate) {
    const found =
      "is a private address: what the service sees is that of a NAT, which cannot be told from here";
    const remedy =
      registered.length === 0
        ? "ask whoever runs the network which address this host has outside, and write it in upstream.static"
        : `ask whoever runs the network whether this host goes out as ${registered.join(" or ")}`;
    return line.unknown(found, remedy);
  }
  if (registered.length === 0) {
    const remedy = "write the addresses that are registered with the service in upstream.static";
    return line.unknown("upstream.static is empty, so nothing to compare it with", remedy);
  }
  const found = `is not in upstream.static (${registered.join(", ")})`;
  return line.failed(found, "send from a registered address, or have the relay service register this one");
}
