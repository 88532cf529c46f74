/**
 * The listener: who may connect, how many, how long, and the end of them all.
 *
 * Promises: the peer of every connection is checked against `listen.clients`; sessions never pass
 * `listen.maxConnections`, sockets a fixed number above it; a refused socket is gone a second later, read or
 * not; `stop` lets messages finish within its time and leaves no socket and no timer.
 * Refuses to start (ListenError) when an address cannot be had.
 */
import type { AddressInfo, Server, Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { type Reply, replyLine } from "../mail/reply.ts";
import { bindAll, type ListenTarget } from "./bind.ts";
import { ClientList } from "./client-list.ts";
import { type Deadlines, defaultDeadlines } from "./deadlines.ts";
import type { IntakePorts } from "./ports.ts";
import { recordRefusal } from "./refusals.ts";
import { clientNotAllowed, shuttingDown, tooManyConnections } from "./replies.ts";
import { SessionServer } from "./session-server.ts";
import { Submitters } from "./submitter.ts";
import { UploadBudget } from "./upload-budget.ts";

/** How long a socket may stay after the reply that ended it, so that the reply can arrive. */
const LINGER_MS = 1000;
/** Sockets above `maxConnections` that may stay open to be told why; the rest are cut at once. */
const ENDING_SOCKETS_MAX = 100;
/** How often deadlines are looked at, and how fine they are. */
const SWEEP_MS = 1000;
const STOP_POLL_MS = 20;

export interface ListenerOptions {
  readonly ports: IntakePorts;
  readonly targets: readonly ListenTarget[];
  readonly deadlines?: Deadlines;
  /** Ours from here on; closed with the listener. */
  readonly submitters?: Pick<Submitters, "open" | "userOf" | typeof Symbol.dispose>;
}

/** Begins to listen. Rejects with ListenError. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const listener = new Listener(options);
  await listener.start(options.targets);
  return listener;
}

export class Listener {
  readonly #ports: IntakePorts;
  readonly #budget: UploadBudget;
  readonly #submitters: NonNullable<ListenerOptions["submitters"]>;
  readonly #sessionServer: SessionServer;
  readonly #sockets = new Set<Socket>();
  #servers: readonly Server[] = [];
  #addresses: readonly AddressInfo[] = [];
  #warnings: readonly string[] = [];
  #sweep: NodeJS.Timeout | undefined;
  #stopping = false;
  #clients: { readonly cidrs: readonly string[]; readonly list: ClientList } | undefined;

  /** Use `startListener`. */
  constructor({ ports, deadlines = defaultDeadlines, submitters = new Submitters(ports) }: ListenerOptions) {
    this.#ports = ports;
    this.#submitters = submitters;
    this.#budget = new UploadBudget(() => ports.settings().limits.uploadsBytes);
    this.#sessionServer = new SessionServer({ ports, budget: this.#budget, deadlines, submitters });
  }

  /** Where it listens, with the ports the system chose. */
  get addresses(): readonly AddressInfo[] {
    return this.#addresses;
  }

  /** Addresses that could not be had and may be missing. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Open sessions. */
  get sessions(): number {
    return this.#sessionServer.connections.size;
  }

  /** Bytes of memory that messages being received hold. */
  get uploadBytes(): number {
    return this.#budget.usedBytes;
  }

  /** Part of `startListener`. */
  async start(targets: readonly ListenTarget[]): Promise<void> {
    this.#clientList(this.#ports.settings().listen.clients); // a bad one shall fail here
    const bound = await bindAll(targets, {
      accept: (socket) => this.#accept(socket),
      // EMFILE, say: a connection could not be accepted; the next may be.
      failed: (error) =>
        this.#ports.events.report("trouble", { part: "listener", reason: error.message }, "error"),
    });
    this.#servers = bound.servers;
    this.#addresses = bound.servers.map((server) => server.address() as AddressInfo);
    this.#warnings = bound.warnings;
    void this.#submitters.open(this.#addresses);
    this.#sweep = setInterval(() => {
      for (const session of this.#sessionServer.sessions()) session.enforceDeadlines();
    }, SWEEP_MS).unref();
  }

  /**
   * Takes no new connection, tells idle sessions 421, lets messages that are coming in finish for at most
   * `graceMs`, then cuts the rest. Resolves when the last socket is closed.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    const closed = this.#servers.map((server) => new Promise((resolve) => server.close(resolve)));
    for (const session of this.#sessionServer.sessions()) session.shutDown();
    const { monotonicMs } = this.#ports.clocks;
    const deadlineMs = monotonicMs() + graceMs;
    // Bytes without a session: a message that custody is just taking, its client gone.
    const busy = () => this.sessions > 0 || this.uploadBytes > 0;
    while (busy() && monotonicMs() < deadlineMs) await pause(STOP_POLL_MS);
    for (const session of this.#sessionServer.sessions()) session.cutOff();
    const lingerUntilMs = monotonicMs() + LINGER_MS;
    while (this.#sockets.size > 0 && monotonicMs() < lingerUntilMs) await pause(STOP_POLL_MS);
    for (const socket of this.#sockets) socket.destroy();
    this.#submitters[Symbol.dispose]();
    await Promise.all(closed);
    clearInterval(this.#sweep);
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    const { listen } = this.#ports.settings();
    // The peer may be gone before we look.
    const ip = socket.remoteAddress;
    if (ip === undefined || this.#sockets.size > listen.maxConnections + ENDING_SOCKETS_MAX) socket.destroy();
    else if (!this.#clientList(listen.clients).allows(ip)) this.#turnAway(socket, ip, clientNotAllowed(ip));
    else if (this.#stopping) this.#turnAway(socket, ip, shuttingDown);
    else if (this.sessions >= listen.maxConnections) {
      this.#turnAway(socket, ip, tooManyConnections(listen.maxConnections));
    } else this.#sessionServer.connect(socket);
  }

  #turnAway(socket: Socket, ip: string, reply: Reply): void {
    const client = { ip, user: this.#submitters.userOf(socket) };
    void recordRefusal(this.#ports.events, client, { stage: "connect", reply });
    turnAway(socket, reply);
  }

  #clientList(cidrs: readonly string[]): ClientList {
    if (this.#clients?.cidrs !== cidrs) this.#clients = { cidrs, list: new ClientList(cidrs) };
    return this.#clients.list;
  }
}

/** Says why and closes; what the client says is thrown away. */
function turnAway(socket: Socket, reply: Reply): void {
  socket.on("error", () => {});
  socket.resume();
  socket.end(`${replyLine(reply)}\r\n`);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
