/**
 * Where the agent listens, as the config writes it, and how one gets there from the same machine.
 *
 * Promises: no library is needed to read it: `sluice sendmail` is started for every message.
 */
import { isIPv4, isIPv6 } from "node:net";

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export const defaultListenAddresses = ["127.0.0.1:25", "[::1]:25"];

const ANY: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** Reads `127.0.0.1:25` or `[::1]:25`; undefined when it is neither. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const [, v6, v4, port] = match ?? [];
  const known = v6 === undefined ? isIPv4(v4 ?? "") : isIPv6(v6);
  if (!match || !known || Number(port) > 65_535) return undefined;
  return { host: (v6 ?? v4)!, port: Number(port) };
}

/** Where to connect to from this machine: a listener on every address is on the loopback one, too. */
export function hostToReach({ host }: ListenAddress): string {
  return ANY[host] ?? host;
}
