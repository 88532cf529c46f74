/**
 * What follows 354: reads a message, judges it, keeps it.
 *
 * Promises: the answer is 250 only when the message is on disk; what is refused is not kept (RFC 5321 §4.2.5);
 * without its dot it is no message.
 * Bounds: bytes are dropped from memory at the size limit, and the connection is cut at twice that.
 */
import type { SMTPServerDataStream } from "smtp-server";
import type { FaultAction } from "./faults.ts";
import { type Answer, HOUR_IS_FULL, type House, tooBig } from "./house.ts";
import { headOf, isKnownPair, MAX_HEAD_BYTES, readHead } from "./senders.ts";

export interface Transaction {
  readonly session: string;
  readonly sender: string;
  readonly recipients: string[];
  /** Does to the session what a fault says; "over" when nobody is there for a reply any more. */
  readonly suffer: (fault: FaultAction) => Promise<"goes on" | "over">;
}

/** Takes one message; undefined when no reply is to be given. */
export async function takeMessage(
  house: House,
  transaction: Transaction,
  stream: SMTPServerDataStream,
): Promise<Answer | undefined> {
  const { session, sender, recipients, suffer } = transaction;
  const message = await readMessage(house, transaction, stream);
  if (message === "gone") return undefined;
  if (message === "too big") return tooBig(house, stream.byteLength);
  const head = headOf(message);
  if (head === undefined) return { code: 554, text: `5.6.0 the head is longer than ${MAX_HEAD_BYTES} bytes` };
  const { problem, ...facts } = await readHead(head);
  if (house.pairs && problem !== undefined) return { code: 550, text: `5.7.1 ${problem}` };
  if (!isKnownPair(house.pairs, sender, facts.headerFrom)) {
    return {
      code: 550,
      text: `5.7.1 From <${facts.headerFrom}> is not allowed with envelope sender <${sender}>`,
    };
  }
  const fault = house.faults.next("dot", [sender, ...recipients]);
  if (fault?.kind === "reply") return fault;
  if (house.hour?.take(house.now().getTime()) === "full") return HOUR_IS_FULL;
  try {
    const at = house.now().toISOString();
    house.onArrived(await house.arrivals.keep({ at, session, sender, recipients, ...facts }, message));
  } catch (error) {
    return { code: 451, text: `4.3.0 cannot keep the message: ${(error as Error).message}` };
  }
  if (fault && (await suffer(fault)) === "over") return undefined;
  return { code: 250, text: "2.0.0 Ok: queued" };
}

async function readMessage(
  { tooBigBytes, faults }: House,
  { sender, recipients, suffer }: Transaction,
  stream: SMTPServerDataStream,
): Promise<Buffer | "too big" | "gone"> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const fault = sizeBytes === 0 ? faults.next("body", [sender, ...recipients]) : undefined;
      if (fault && (await suffer(fault)) === "over") return "gone";
      sizeBytes += chunk.length;
      if (sizeBytes < tooBigBytes) chunks.push(chunk);
      else chunks.length = 0;
      if (sizeBytes >= 2 * tooBigBytes) await suffer({ kind: "drop" });
    }
  } catch {
    return "gone"; // RFC 5321 §4.1.1.4: only the dot makes it a message
  }
  return sizeBytes < tooBigBytes ? Buffer.concat(chunks) : "too big";
}
