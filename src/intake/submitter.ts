/**
 * Which local user sent it: the owner of the client's socket, for connections over the loopback.
 *
 *     opening ──the kernel can be asked for one socket──▶ asked: the user is known when `userOf` returns
 *        └──it cannot (told once)──▶ searched: its tables are read (src/intake/table-search.ts)
 *
 * Promises: an answer soon, which may be "unknown". Nothing here is ever an error for mail.
 * It is a hint of the kernel, not a proof: the user that opened the socket, and in a user namespace what the kernel says
 * there (65534, nobody).
 */
import type { AddressInfo } from "node:net";
import { type Connection, type End, listeningEnd, loopbackEnds } from "./loopback.ts";
import { SocketDiag } from "./socket-diag.ts";
import { TableSearch, type TableSearchParts } from "./table-search.ts";
import { UserNames } from "./user-names.ts";

type Diag = Pick<SocketDiag, "ownerOf" | typeof Symbol.dispose>;

export interface SubmitterParts extends TableSearchParts {
  readonly names?: UserNames;
  readonly openDiag?: (listening: End) => Promise<Diag>;
}

export class Submitters implements Disposable {
  readonly #events: SubmitterParts["events"];
  readonly #names: UserNames;
  readonly #openDiag: (listening: End) => Promise<Diag>;
  readonly #search: TableSearch;
  #opening: Promise<void> | undefined;
  #diag: Diag | undefined;
  #disposed = false;

  constructor({
    names = new UserNames(),
    openDiag = (listening) => SocketDiag.open(listening),
    ...parts
  }: SubmitterParts) {
    this.#events = parts.events;
    this.#names = names;
    this.#openDiag = openDiag;
    this.#search = new TableSearch(parts);
  }

  /** Finds out how the kernel can be asked; connections that come meanwhile wait for that. Never rejects. */
  async open(listening: readonly AddressInfo[]): Promise<void> {
    const [end] = listening.flatMap((address) => listeningEnd(address) ?? []);
    if (end === undefined) return; // nobody can connect over the loopback
    this.#opening = this.#open(end);
    await this.#opening;
    this.#opening = undefined;
  }

  /** The user whose program connected; undefined when it is not known. Never rejects. */
  async userOf(connection: Connection): Promise<string | undefined> {
    const ends = loopbackEnds(connection);
    if (ends === undefined) return undefined;
    if (this.#opening !== undefined) await this.#opening;
    // Asked before anything is waited for: a client may be gone in a moment.
    const uid = this.#diag === undefined ? await this.#search.ownerOf(ends) : this.#diag.ownerOf(ends);
    return uid === undefined ? undefined : this.#names.nameOf(uid);
  }

  /** Nobody waits any more. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#diag?.[Symbol.dispose]();
    this.#diag = undefined;
    this.#search[Symbol.dispose]();
  }

  async #open(listening: End): Promise<void> {
    try {
      const diag = await this.#openDiag(listening);
      if (this.#disposed) diag[Symbol.dispose]();
      else this.#diag = diag;
    } catch (error) {
      if (this.#disposed) return;
      const { message } = error as Error;
      const reason = `local users are looked for in /proc/net/tcp, which slows connections down: ${message}`;
      this.#events.report("trouble", { part: "submitter", reason }, "warn");
    }
  }
}
