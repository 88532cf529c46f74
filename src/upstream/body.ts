/**
 * The message on its way to nodemailer: measured, in pieces, so that we know how far it got.
 *
 * Promises: `onPiece` before each piece is taken, `onEnd` after the last was taken and before the final
 * dot is said; a message that is shorter or longer than it should be, or cannot be read, ends in an error
 * and never in a dot: a truncated message does not go out.
 */
import { Readable } from "node:stream";
import { crashPoint } from "../observe/crash-point.ts";

export interface OutgoingMessage {
  /** Exactly the length of `body`: canonical CRLF lines, the last one ended, dots not stuffed. */
  readonly sizeBytes: number;
  /** Whether any byte is above 127. */
  readonly eightBit: boolean;
  readonly body: Buffer | Readable;
  /** Awaited when all of it was given out, before the final dot is said. */
  readonly beforeDot?: () => Promise<void>;
}

export interface BodyWatch {
  onPiece(): void;
  onEnd(): void;
}

const PIECE_BYTES = 64 * 1024;

export function watchedBody(message: OutgoingMessage, watch: BodyWatch): Readable {
  const stream = Readable.from(pieces(message, watch));
  stream.once("end", () => {
    watch.onEnd();
    setImmediate(() => crashPoint("dot-said"));
  });
  return stream;
}

async function* pieces(
  { body, sizeBytes, beforeDot }: OutgoingMessage,
  watch: BodyWatch,
): AsyncGenerator<Buffer> {
  let sentBytes = 0;
  watch.onPiece();
  for await (const piece of Buffer.isBuffer(body) ? slices(body) : body) {
    sentBytes += piece.length;
    if (sentBytes > sizeBytes) break;
    watch.onPiece();
    yield piece;
  }
  if (sentBytes !== sizeBytes) {
    throw new Error(`Cannot send the message as its length is wrong: ${sentBytes} bytes, not ${sizeBytes}`);
  }
  await beforeDot?.();
}

function* slices(body: Buffer): Generator<Buffer> {
  for (let at = 0; at < body.length; at += PIECE_BYTES) yield body.subarray(at, at + PIECE_BYTES);
}

/** Lets go of a body that is not sent, or not to its end. */
export function discard(body: OutgoingMessage["body"]): void {
  if (Buffer.isBuffer(body)) return;
  body.on("error", () => {});
  body.destroy();
}
