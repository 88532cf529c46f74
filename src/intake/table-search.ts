/**
 * Looks for the owners of clients' sockets in the kernel's tables: the slow way, where it cannot be asked for one socket.
 *
 *     clients ─▶ waiting ──a reading serves all that wait when it begins──▶ uid, or unknown
 *                   ▲                        │
 *                   └── came meanwhile: found by luck, or in the next one ◀──┘
 *
 * Promises: one reading at a time, off the event loop, ended as soon as nobody waits; an answer within the deadline, which
 * is "unknown" when nothing was found by then. Where the tables are hidden that is told once.
 */
import type { LoopbackEnds } from "./loopback.ts";
import type { IntakeEvents } from "./ports.ts";
import { readTable, type SocketKeys, socketKeys, TABLES, type Table, TableReader } from "./socket-table.ts";

const DEADLINE_MS = 250;
/** More than that wait only in a flood: their users stay unknown. */
const WAITING_MAX = 10_000;

export interface TableSearchParts {
  readonly events: Pick<IntakeEvents, "report">;
  readonly tables?: (table: Table) => AsyncIterable<Buffer>;
  readonly deadlineMs?: number;
}

interface Waiting {
  readonly keys: SocketKeys;
  /** Answers once; what comes later is passed over. */
  readonly answer: (uid: number | undefined) => void;
}

export class TableSearch implements Disposable {
  readonly #events: TableSearchParts["events"];
  readonly #tables: (table: Table) => AsyncIterable<Buffer>;
  readonly #deadlineMs: number;
  readonly #waiting = new Set<Waiting>();
  readonly #wanted: Readonly<Record<Table, Map<string, Waiting>>> = { tcp: new Map(), tcp6: new Map() };
  #reading = false;
  #hidden = false;

  constructor({ events, tables = readTable, deadlineMs = DEADLINE_MS }: TableSearchParts) {
    this.#events = events;
    this.#tables = tables;
    this.#deadlineMs = deadlineMs;
  }

  /** The uid that has the client's socket; undefined when it is closed or not known. Never rejects. */
  ownerOf(ends: LoopbackEnds): Promise<number | undefined> {
    if (this.#waiting.size >= WAITING_MAX) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#wait(socketKeys(ends), resolve);
      if (!this.#reading) void this.#read();
    });
  }

  /** Nobody waits any more. */
  [Symbol.dispose](): void {
    for (const { answer } of this.#waiting) answer(undefined);
  }

  #wait(keys: SocketKeys, resolve: (uid: number | undefined) => void): void {
    const timer = setTimeout(() => waiting.answer(undefined), this.#deadlineMs);
    const waiting: Waiting = {
      keys,
      answer: (uid) => {
        if (!this.#waiting.delete(waiting)) return;
        clearTimeout(timer);
        for (const table of TABLES) this.#forget(table, waiting);
        resolve(uid);
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
        for (const table of TABLES) await this.#search(table);
      } catch (error) {
        this.#tellHidden(error);
      }
      for (const { answer } of asked) answer(undefined);
    }
    this.#reading = false;
  }

  async #search(table: Table): Promise<void> {
    const wanted = this.#wanted[table];
    if (wanted.size === 0) return;
    const reader = new TableReader(table);
    for await (const chunk of this.#tables(table)) {
      reader.take(chunk, wanted, (key, uid) => wanted.get(key)?.answer(uid));
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
