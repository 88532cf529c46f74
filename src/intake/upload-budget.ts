/**
 * The bytes of messages being received, all sessions together, held under `limits.uploads`.
 *
 * Promises: what is held never passes the limit; an upload's bytes are counted as memory, not as text (a
 * client that sends one byte at a time costs a byte, not a Buffer object each); `free` gives everything back,
 * once, whatever happened.
 */

/** The smallest and the largest piece of memory an upload takes at a time. */
const FIRST_BLOCK_BYTES = 8 * 1024;
const BLOCK_BYTES = 64 * 1024;

export class UploadBudget {
  readonly #limitBytes: () => number;
  #usedBytes = 0;

  /** `limitBytes` is asked each time, so that a reload takes effect at once. */
  constructor(limitBytes: () => number) {
    this.#limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Takes `bytes` if they are there. */
  take(bytes: number): boolean {
    if (this.#usedBytes + bytes > this.#limitBytes()) return false;
    this.#usedBytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}

/** The bytes of one message on their way in, copied into a few blocks that the budget pays for. */
export class Upload {
  readonly #budget: UploadBudget;
  #blocks: Buffer[] = [];
  #last: Buffer = Buffer.alloc(0);
  #lastUsed = 0;
  #chargedBytes = 0;
  #sizeBytes = 0;

  constructor(budget: UploadBudget) {
    this.#budget = budget;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Keeps a copy of the chunk; false when the budget has no room (what is held stays held until `free`). */
  add(chunk: Buffer): boolean {
    let from = 0;
    while (from < chunk.length) {
      if (this.#lastUsed === this.#last.length && !this.#grow()) return false;
      const copied = chunk.copy(this.#last, this.#lastUsed, from);
      this.#lastUsed += copied;
      from += copied;
    }
    this.#sizeBytes += chunk.length;
    return true;
  }

  /** The bytes kept so far, in order. Valid until `free`. */
  chunks(): Buffer[] {
    return this.#lastUsed > 0 ? [...this.#blocks, this.#last.subarray(0, this.#lastUsed)] : [...this.#blocks];
  }

  /** Forgets the bytes and pays them back; may be called any number of times. */
  free(): void {
    this.#budget.give(this.#chargedBytes);
    this.#chargedBytes = 0;
    this.#blocks = [];
    this.#last = Buffer.alloc(0);
    this.#lastUsed = 0;
  }

  #grow(): boolean {
    const blockBytes = this.#last.length === 0 ? FIRST_BLOCK_BYTES : BLOCK_BYTES;
    if (!this.#budget.take(blockBytes)) return false;
    this.#chargedBytes += blockBytes;
    if (this.#last.length > 0) this.#blocks.push(this.#last);
    this.#last = Buffer.allocUnsafeSlow(blockBytes);
    this.#lastUsed = 0;
    return true;
  }
}
