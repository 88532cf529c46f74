/**
 * The one way in for a message: raw bytes in (dots unstuffed), the head on the side, body bytes out.
 *
 * Promises: head and body are canonical (lines.ts), so what is parsed, decided on, stored and sent is one
 * and the same text; a NUL in the body is dropped, like every stray byte that must never go out.
 * Refuses a NUL in the head: readers that skip it and readers that stop at it see two different addresses.
 */
import { HeadCollector, type HeadState } from "./head.ts";
import { LineCanonicaliser } from "./lines.ts";

/** `head` turns from reading to complete or refused (reply 554 5.6.0) at some push(), at the latest at end(). */
export class MessageReader {
  readonly #lines = new LineCanonicaliser();
  readonly #collector = new HeadCollector();

  get head(): HeadState {
    const state = this.#collector.state;
    const nulAt = this.#lines.firstNulAt;
    if (state.kind !== "complete" || nulAt === undefined || nulAt >= state.bodyStart) return state;
    return { kind: "refused", problem: "the header holds a NUL character" };
  }

  /** Canonical bytes read so far, head included; goes on counting after a refusal. */
  get sizeBytes(): number {
    return this.#lines.sizeBytes;
  }

  /** An octet over 127 was seen: the message needs 8BITMIME (RFC 6152). */
  get hasEightBit(): boolean {
    return this.#lines.hasEightBit;
  }

  /** Takes a raw chunk, gives the body bytes that became ready: none while the head is read, none after a refusal. */
  push(chunk: Buffer): Buffer[] {
    return this.#collect(this.#lines.push(chunk));
  }

  /** To be called after the last chunk: gives what was still missing of the body. */
  end(): Buffer[] {
    const body = this.#collect(this.#lines.end());
    this.#collector.end();
    return body;
  }

  #collect(canonical: Buffer[]): Buffer[] {
    const body = canonical.flatMap((piece) => this.#collector.push(piece));
    return this.head.kind === "refused" ? [] : body;
  }
}
