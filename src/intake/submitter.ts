/**
 * Which local user sent it: the owner of the client's socket, for connections over the loopback.
 *
 *     connections ─▶ waiting ──a reading serves all that wait when it begins──▶ user, or unknown
 *                       ▲                        │
 *                       └── came meanwhile: found by luck, or in the next one ◀──┘
 *
 * Promises: one reading of the kernel's tables at a time, off the event loop, ended as soon as nobody waits; an answer
 * within the deadline, which is "unknown" when nothing was found by then. Nothing here is ever an error for mail.
 * It is a hint of the kernel, not a proof: the user that opened the socket, and in a user namespace what the kernel says
 * there (65534, nobody). Where the tables are hidden that is told once.
 */
import type { IntakeEvents } from "./ports.ts";
import {
  type Ends,
  readTable,
  type SocketKeys,
  socketKeys,
  TABLES,
  type Table,
  TableReader,
} from "./socket-table.ts";
import { UserNames } from "./user-names.ts";

const DEADLINE_MS = 250;
/** More than that wait only in a flood: their users stay unknown. */
const WAITING_MAX = 10_000;

export interface SubmitterParts {
  readonly events: Pick<IntakeEvents, "report">;
  readonly names?: UserNames;
  readonly tables?: (table: Table) => AsyncIterable<Buffer>;
  readonly deadlineMs?: number;
}

/** Our end of a connection, as a net.Socket has it: without addresses when the peer is gone already. */
type Connection = { readonly [Key in keyof Ends]?: Ends[Key] | undefined };

interface Waiting {
  readonly keys: SocketKeys;
  /** Answers once; what comes later is passed over. */
  readonly answer: (user: string | undefined) => void;
}

export class Submitters implements Disposable {
  readonly #events: SubmitterParts["events"];
  readonly #names: UserNames;
  readonly #tables: (table: Table) => AsyncIterable<Buffer>;
  readonly #deadlineMs: number;
  readonly #waiting = new Set<Waiting>();
  readonly #wanted: Readonly<Record<Table, Map<string, Waiting>>> = { tcp: new Map(), tcp6: new Map() };
  #reading = false;
  #hidden = false;

  constructor({
    events,
    names = new UserNames(),
    tables = readTable,
    deadlineMs = DEADLINE_MS,
  }: SubmitterParts) {
    this.#events = events;
    this.#names = names;
    this.#tables = tables;
    this.#deadlineMs = deadlineMs;
  }

  /** The user whose program connected; undefined when it is not known. Never rejects. */
  userOf({ localAddress, localPort, remoteAddress, remotePort }: Connection): Promise<string | undefined> {
    if (!localAddress || !localPort || !remoteAddress || !remotePort) return Promise.resolve(undefined);
    const keys = socketKeys({ localAddress, localPort, remoteAddress, remotePort });
    if (keys === undefined || this.#waiting.size >= WAITING_MAX) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#wait(keys, resolve);
      if (!this.#reading) void this.#read();
    });
  }

  /** Nobody waits any more. */
  [Symbol.dispose](): void {
    for (const { answer } of this.#waiting) answer(undefined);
  }

  #wait(keys: SocketKeys, resolve: (user: string | undefined) => void): void {
    const timer = setTimeout(() => waiting.answer(undefined), this.#deadlineMs);
    const waiting: Waiting = {
      keys,
      answer: (user) => {
        if (!this.#waiting.delete(waiting)) return;
        clearTimeout(timer);
        for (const table of TABLES) this.#forget(table, waiting);
        resolve(user);
      },
    };
    this.#waiting.add(waiting);
    for (const table of TABLES) {
      const key = keys[table];
      if (key !== undefined) this.#wanted[table].set(key, waiting);
    }
  }

  #forget(table: Table, waiting: Waiting): void {
    const key = waiting.keys[table];
    if (key !== undefined && this.#wanted[table].get(key) === waiting) this.#wanted[table].delete(key);
  }

  /** Reads until nobody waits: those that a whole reading did not find are not there. */
  async #read(): Promise<void> {
    this.#reading = true;
    await new Promise(setImmediate); // what connects in this turn shares the reading
    while (this.#waiting.size > 0) {
      const asked = [...this.#waiting];
      try {
        const names = this.#names.refresh();
        for (const table of TABLES) await this.#search(table, names);
      } catch (error) {
        this.#tellHidden(error);
      }
      for (const { answer } of asked) answer(undefined);
    }
    this.#reading = false;
  }

  async #search(table: Table, names: Promise<void>): Promise<void> {
    const wanted = this.#wanted[table];
    if (wanted.size === 0) return;
    const reader = new TableReader(table);
    const owners = new Map<Waiting, number>();
    for await (const chunk of this.#tables(table)) {
      reader.take(chunk, wanted, (key, uid) => owners.set(wanted.get(key) as Waiting, uid));
      if (owners.size > 0) await names;
      for (const [{ answer }, uid] of owners) answer(this.#names.nameOf(uid));
      owners.clear();
      if (wanted.size === 0) return;
    }
  }

  /** Without IPv6 there is no tcp6, which hides nobody. */
  #tellHidden(error: unknown): void {
    const { code, path, message } = error as NodeJS.ErrnoException;
    if (this.#hidden || (code === "ENOENT" && path?.endsWith("/tcp6"))) return;
    this.#hidden = true;
    const reason = `the local users of connections stay unknown: ${message}`;
    this.#events.report("trouble", { part: "submitter", reason }, "warn");
  }
}
