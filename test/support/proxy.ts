/**
 * A wire between a client and a server that a test can cut as a network does: nothing comes through any more, and
 * nobody is told.
 *
 * Promises: while it is cut, connections stay open, new ones are taken, and not a byte is forwarded; `mend` lets
 * through what waited, as the retransmissions of TCP would. Everything is closed when the running test ends.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface Proxy {
  readonly port: number;
  /** Connections so far, those that are closed included. */
  readonly connections: number;
  cut(): void;
  mend(): void;
}

/** Listens on `from`, any free port unless it says one, and connects to `to` for each connection. */
export async function startProxy(
  to: NetConnectOpts,
  from: { readonly host?: string; readonly port?: number } = {},
): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let connections = 0;
  const pour = (source: Socket, into: Socket) => {
    sockets.add(source);
    source.on("data", (piece) => into.write(piece));
    source.on("error", () => {});
    source.on("close", () => {
      sockets.delete(source);
      into.destroy();
    });
    if (isCut) source.pause();
  };
  const server = createServer({ noDelay: true }, (near) => {
    connections++;
    const far = connect(to);
    pour(near, far);
    pour(far, near);
  });
  server.listen(from.port ?? 0, from.host ?? "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((closed) => server.close(closed));
  });
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    cut() {
      isCut = true;
      for (const socket of sockets) socket.pause();
    },
    mend() {
      isCut = false;
      for (const socket of sockets) socket.resume();
    },
  };
}
