/**
 * The stretch between 354 and the verdict: the library's stream of message bytes fed to a transaction.
 *
 * Promises: resolves with the outcome after the final dot, with undefined when the client is gone before it;
 * an exception, which is a bug of ours, costs this one message 451 and not the process.
 */
import type { Readable } from "node:stream";
import { internalError } from "./replies.ts";
import type { Outcome, Transaction } from "./transaction.ts";

export interface ReceptionHandlers {
  /** The client goes on and on: hang up. */
  readonly cut: () => void;
  readonly trouble: (error: unknown) => void;
}

/** `stream`: the message, dots unstuffed; its 'end' is the final dot. */
export function receiveMessage(
  stream: Readable,
  transaction: Transaction,
  handlers: ReceptionHandlers,
): Promise<Outcome | undefined> {
  transaction.beginData();
  stream.on("data", (chunk: Buffer) => {
    try {
      if (transaction.push(chunk) === "cut") handlers.cut();
    } catch (error) {
      handlers.trouble(error);
      transaction.fail();
    }
  });
  return new Promise((resolve) => {
    // Without the dot there is a 'close' and no 'end'.
    stream.once("close", () => resolve(undefined));
    stream.once("end", () => resolve(finished(transaction, handlers)));
  });
}

async function finished(transaction: Transaction, handlers: ReceptionHandlers): Promise<Outcome | undefined> {
  try {
    return await transaction.finish();
  } catch (error) {
    handlers.trouble(error);
    transaction.abort();
    return { accepted: false, reply: internalError };
  }
}
