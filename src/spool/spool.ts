/**
 * The spool: messages in custody, one file each. The disk owns what is.
 *
 * Promises (P1): when `accept` resolves, the message is on disk and survives a power cut (fsync of the
 * file, rename, fsync of the folder); when it rejects, nothing of it is left. `remove` ends all of it.
 * Refuses: `room()` says no before the disk is full or the bound of messages is reached.
 */
import { mkdir, open, readdir, rename, statfs, unlink } from "node:fs/promises";
import { join } from "node:path";
import { visible } from "../mail/reply.ts";
import { crashPoint } from "../observe/crash-point.ts";
import { formatEntry, formatRecord, type SpoolEntry, type SpoolRecord } from "./entry.ts";
import { FolderSync } from "./folder-sync.ts";
import { type Glance, glanceAt } from "./glance.ts";
import { type OpenResult, SpoolMessage } from "./message.ts";
import { isQueueId, queueIdMaker } from "./queue-id.ts";

const PART = ".part";
const DISK_CHECK_MS = 2000;

export interface SpoolOptions {
  readonly folder: string;
  /** Most messages in custody. */
  readonly maxMessages: number;
  /** Below this much free disk nothing new is taken. */
  readonly freeDiskBytes: number;
  readonly now: () => number;
  readonly random: () => number;
}

/** What takes a message's place. */
export interface Replacement {
  readonly entry: SpoolEntry;
  /** The head on the wire, its empty line included. */
  readonly head: Buffer;
  /** The length of the head that it replaces, bytes. */
  readonly insteadOf: number;
  /** Why and how: what is added to what happened. */
  readonly record: SpoolRecord;
}

export type Room = { readonly ok: true } | { readonly ok: false; readonly reason: "disk-low" | "queue-full" };

export class Spool implements AsyncDisposable {
  readonly newId: () => string;
  #options: SpoolOptions;
  readonly #sync: FolderSync;
  readonly #closeFolder: () => Promise<void>;
  readonly #diskTimer: NodeJS.Timeout;
  /** Messages whose custody is not decided: they have their name, perhaps, and the folder is not synced. */
  readonly #accepting = new Set<string>();
  #count: number;
  #diskLow = false;
  #freeBytes = 0;

  private constructor(
    options: SpoolOptions,
    parts: { sync: FolderSync; close: () => Promise<void>; count: number },
  ) {
    this.#options = options;
    this.#sync = parts.sync;
    this.#closeFolder = parts.close;
    this.#count = parts.count;
    this.newId = queueIdMaker(options);
    this.#diskTimer = setInterval(() => void this.#checkDisk(), DISK_CHECK_MS).unref();
  }

  /** Opens the spool folder (made 0700 when missing) and clears away what was cut off while received. */
  static async open(options: SpoolOptions): Promise<Spool> {
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    let count = 0;
    for (const name of await readdir(options.folder)) {
      if (name.endsWith(PART)) await unlink(join(options.folder, name));
      else if (isQueueId(name)) count++;
    }
    const folder = await open(options.folder, "r");
    const spool = new Spool(options, { sync: new FolderSync(folder), close: () => folder.close(), count });
    await spool.#checkDisk();
    return spool;
  }

  /** The bounds are others from now on. */
  use(bounds: Pick<SpoolOptions, "maxMessages" | "freeDiskBytes">): void {
    this.#options = { ...this.#options, ...bounds };
  }

  /** Messages in custody, bounced ones that are still kept included. */
  get count(): number {
    return this.#count;
  }

  /** Free on the disk of the spool, as it was seen last: at most two seconds ago. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** May another message be taken? Costs nothing: the disk is looked at every two seconds. */
  room(): Room {
    if (this.#diskLow) return { ok: false, reason: "disk-low" };
    return this.#count < this.#options.maxMessages ? { ok: true } : { ok: false, reason: "queue-full" };
  }

  /** Writes, syncs and removes a file that is no message. Rejects with the system's error. */
  async tryWrite(): Promise<void> {
    const path = join(this.#options.folder, `write${PART}`);
    try {
      const file = await open(path, "w", 0o600);
      try {
        await file.write("sluice\n");
        await file.datasync();
      } finally {
        await file.close();
      }
    } finally {
      await unlink(path).catch(() => {});
    }
  }

  /** Takes custody. `wire` is what goes to the upstream, in pieces. Rejects with the system's error. */
  async accept(entry: SpoolEntry, wire: readonly Buffer[]): Promise<void> {
    const wireBytes = wire.reduce((sum, piece) => sum + piece.length, 0);
    const path = this.#path(entry.id);
    const part = path + PART;
    let written = part;
    this.#accepting.add(entry.id);
    try {
      const file = await open(part, "wx", 0o600);
      try {
        await writeAll(file, [formatEntry(entry, wireBytes), ...wire]);
        crashPoint("spool-written");
        await file.datasync();
      } finally {
        await file.close();
      }
      crashPoint("spool-synced");
      await rename(part, path);
      written = path;
      crashPoint("spool-renamed");
      await this.#sync.sync();
      this.#count++;
    } catch (error) {
      await unlink(written).catch(() => {}); // what was refused is removed before the reply
      throw error;
    } finally {
      this.#accepting.delete(entry.id);
    }
  }

  /**
   * Puts a message in the place of an opened one: the same id and body, everything that happened to it so far, and
   * `record`. Whatever dies meanwhile, there is the one or the other, whole. When it resolves, the new one is durable
   * and `message` is of no use any more; when it rejects, it may be either.
   */
  async replace(message: SpoolMessage, { entry, head, insteadOf, record }: Replacement): Promise<void> {
    const path = this.#path(entry.id);
    const part = path + PART;
    const wireBytes = head.length + message.entry.wireBytes - insteadOf;
    try {
      const file = await open(part, "wx", 0o600);
      try {
        await writeAll(file, [formatEntry(entry, wireBytes), head]);
        for await (const piece of message.pieces(insteadOf)) await writeAll(file, [piece]);
        await writeAll(file, [Buffer.from([...message.records, record].map(formatRecord).join(""))]);
        await file.datasync();
      } finally {
        await file.close();
      }
      crashPoint("replacement-synced");
      await rename(part, path);
    } catch (error) {
      await unlink(part).catch(() => {});
      throw error;
    }
    crashPoint("replaced");
    await this.#sync.sync();
  }

  /** Opens a message to look at it or to append to it. What is no queue id is not there. */
  async open(id: string): Promise<OpenResult> {
    if (!isQueueId(id)) return { ok: false, why: "gone" };
    return SpoolMessage.open(this.#path(id), id);
  }

  /** Looks at a message, without a handle on it. What is no queue id is not there. */
  async glance(id: string): Promise<Glance> {
    if (!isQueueId(id)) return { ok: false, why: "gone" };
    return glanceAt(this.#path(id), id);
  }

  /** Removes a message for good; it is not an error when it is gone already. */
  async remove(id: string): Promise<void> {
    try {
      await unlink(this.#path(id));
      this.#count--;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }

  /** All queue ids in the spool, oldest first; not of what may be refused yet (P2). */
  async ids(): Promise<string[]> {
    return (await spoolIds(this.#options.folder)).filter((id) => !this.#accepting.has(id));
  }

  /** How many messages each account has (null: of none). Reads the beginning of every file. */
  async byAccount(): Promise<ReadonlyMap<string | null, number>> {
    const counts = new Map<string | null, number>();
    for (const id of await this.ids()) {
      const opened = await this.open(id).catch(() => undefined);
      if (!opened?.ok) continue;
      await using message = opened.message;
      const { account } = message.entry;
      counts.set(account, (counts.get(account) ?? 0) + 1);
    }
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#diskTimer);
    await this.#closeFolder();
  }

  #path(id: string): string {
    if (!isQueueId(id))
      throw new Error(`Cannot open a message as its id is not a queue id: ${visible(id, 32)}`);
    return join(this.#options.folder, id);
  }

  async #checkDisk(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#options.folder).catch(() => ({ bavail: 0, bsize: 0 }));
    this.#freeBytes = bavail * bsize;
    this.#diskLow = this.#freeBytes < this.#options.freeDiskBytes;
  }
}

/** All queue ids in a spool folder, oldest first; for commands that look while no agent runs. */
export async function spoolIds(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter(isQueueId).sort();
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, pieces: readonly Buffer[]): Promise<void> {
  const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const { bytesWritten } = await file.writev(pieces);
  if (bytesWritten === total) return;
  // A short write: the disk is about full, or a signal came. The rest is written plainly or fails with its reason.
  const rest = Buffer.concat(pieces).subarray(bytesWritten);
  for (let done = 0; done < rest.length; ) done += (await file.write(rest, done)).bytesWritten;
}
