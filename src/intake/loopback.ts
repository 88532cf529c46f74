/**
 * The ends of a connection over the loopback, the only kind whose client is a user of this machine.
 *
 * Promises: a v4-mapped address means what its IPv4 address means.
 * Refuses (undefined) connections with an end outside 127.0.0.0/8 and ::1, and those whose peer is gone already.
 */

/** A connection as our end of it sees it. */
export interface Ends {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** Our end of a connection, as a net.Socket has it: without addresses when the peer is gone already. */
export type Connection = { readonly [Key in keyof Ends]?: Ends[Key] | undefined };

/** One end: an address of 4 or 16 bytes, and a port. */
export interface End {
  readonly address: readonly number[];
  readonly port: number;
}

export interface LoopbackEnds {
  readonly client: End;
  readonly ours: End;
}

const LOOPBACK_6 = [...Array(15).fill(0), 1];
/** What a listener for all addresses listens on; the loopback is one of them. */
const ALL_ADDRESSES: Readonly<Record<string, readonly number[]>> = {
  "0.0.0.0": Array(4).fill(0),
  "::": Array(16).fill(0),
};

export function loopbackEnds(connection: Connection): LoopbackEnds | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = connection;
  if (!localAddress || !localPort || !remoteAddress || !remotePort) return undefined;
  const [client, ours] = [loopbackBytes(remoteAddress), loopbackBytes(localAddress)];
  if (client === undefined || ours === undefined || client.length !== ours.length) return undefined;
  return { client: { address: client, port: remotePort }, ours: { address: ours, port: localPort } };
}

/** Where a listener listens, if clients on the loopback can reach it there. */
export function listeningEnd({ address, port }: { address: string; port: number }): End | undefined {
  const bytes = ALL_ADDRESSES[address] ?? loopbackBytes(address);
  return bytes && { address: bytes, port };
}

/** 4 bytes of 127.0.0.0/8, v4-mapped or not; 16 of ::1. */
function loopbackBytes(address: string): readonly number[] | undefined {
  if (address === "::1") return LOOPBACK_6;
  const v4 = /^(?:::ffff:)?(127(?:\.\d{1,3}){3})$/i.exec(address)?.[1];
  return v4?.split(".").map(Number);
}
