/**
 * Listening sockets: asks the system for them, and says in a sentence why one cannot be had.
 *
 * Promises: all of them or none; an IPv6 address on a machine without IPv6 is a warning as long as another
 * address is there.
 * Refuses with ListenError, which names the address, the reason and the remedy.
 */
import { createServer, type Server, type Socket } from "node:net";

/** An address to bind, or a listening socket handed over by systemd. */
export type ListenTarget = { readonly host: string; readonly port: number } | { readonly fd: number };

export class ListenError extends Error {
  /** The system's code, such as EADDRINUSE. */
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.name = "ListenError";
    this.code = code;
  }
}

export interface BoundServers {
  readonly servers: readonly Server[];
  readonly warnings: readonly string[];
}

/** Binds every target; `accept` gets each connection, `failed` what goes wrong with a server later. */
export async function bindAll(
  targets: readonly ListenTarget[],
  handlers: { readonly accept: (socket: Socket) => void; readonly failed: (error: Error) => void },
): Promise<BoundServers> {
  const servers: Server[] = [];
  const warnings: string[] = [];
  try {
    for (const target of targets) {
      // Half-open: a script that says everything and ends its side still gets its answers.
      const server = createServer({ allowHalfOpen: true }, handlers.accept);
      try {
        await listen(server, target, ipv6Only(target, targets));
      } catch (error) {
        const problem = listenError(target, error);
        if (!isMissingIpv6(target, problem.code)) throw problem;
        warnings.push(problem.message);
        continue;
      }
      server.on("error", handlers.failed);
      servers.push(server);
    }
    if (servers.length === 0)
      throw new ListenError(warnings.join("; ") || "Cannot listen as no address is given", "EADDRNOTAVAIL");
    return { servers, warnings };
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }
}

function listen(server: Server, target: ListenTarget, ipv6Only: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen("fd" in target ? target : { ...target, ipv6Only }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** `[::]` takes the IPv4 side of its port too, unless the list has that for itself. */
function ipv6Only(target: ListenTarget, targets: readonly ListenTarget[]): boolean {
  if ("fd" in target) return false;
  return targets.some((other) => "host" in other && !other.host.includes(":") && other.port === target.port);
}

function isMissingIpv6(target: ListenTarget, code: string): boolean {
  return "host" in target && target.host.includes(":") && ["EADDRNOTAVAIL", "EAFNOSUPPORT"].includes(code);
}

function listenError(target: ListenTarget, error: unknown): ListenError {
  const { code = "", message } = error as NodeJS.ErrnoException;
  const where = "fd" in target ? `inherited socket ${target.fd}` : `${bracketed(target.host)}:${target.port}`;
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: "another program has it: stop that one (`ss -ltnp` shows it) or change listen.addresses",
    EACCES:
      "a port below 1024 needs the right to it: start sluice through systemd, or give it CAP_NET_BIND_SERVICE, or change listen.addresses",
    EADDRNOTAVAIL: "this machine has no such address: change listen.addresses",
    EAFNOSUPPORT: "this machine has no IPv6: take it out of listen.addresses",
    ENOTFOUND: "the name has no address: write an IP address in listen.addresses",
  };
  return new ListenError(`Cannot listen on ${where} as ${reasons[code] ?? message}`, code);
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
