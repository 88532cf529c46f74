/**
 * Who may connect: `listen.clients`, asked for every connection.
 *
 * Promises: an IPv4 client of a dual-stack socket (::ffff:192.0.2.1) is judged as IPv4.
 * Refuses what it cannot read: an address that is none is not in the list.
 */
import { BlockList, isIP } from "node:net";

export class ClientList {
  readonly #list = new BlockList();

  /** `cidrs`: `127.0.0.0/8`, `::1/128`, or a bare address. Throws on what is neither. */
  constructor(cidrs: readonly string[]) {
    for (const cidr of cidrs) {
      const [network = "", length] = cidr.split("/");
      const family = isIP(network) === 6 ? "ipv6" : "ipv4";
      if (length === undefined) this.#list.addAddress(network, family);
      else this.#list.addSubnet(network, Number(length), family);
    }
  }

  allows(ip: string): boolean {
    // A link-local address carries its interface: fe80::1%eth0.
    const plain = ip.replace(/^::ffff:(?=[0-9.]+$)/i, "").replace(/%.*$/, "");
    switch (isIP(plain)) {
      case 4:
        return this.#list.check(plain, "ipv4");
      case 6:
        return this.#list.check(plain, "ipv6");
      default:
        return false;
    }
  }
}
