/**
 * The path of a message from the client's bytes to the upstream's, without sockets, disk and clock.
 *
 * For the golden and property tests: reader, identities, policy and edits put together as intake does it.
 */
import { type Address, parseAddress } from "../../src/mail/address.ts";
import type { Pair } from "../../src/mail/envelope.ts";
import { readIdentities } from "../../src/mail/identity.ts";
import { MessageReader } from "../../src/mail/reader.ts";
import { type Change, editHead } from "../../src/message/edit.ts";
import { receivedField } from "../../src/message/received.ts";
import { decideSender, type SenderPolicy } from "../../src/policy/senders.ts";

export const hostname = "app01.lab.wisc.edu";

export type Relayed =
  | {
      readonly kind: "sent";
      readonly bytes: Buffer;
      readonly pair: Pair;
      readonly changes: readonly Change[];
    }
  | { readonly kind: "malformed"; readonly problem: string }
  | { readonly kind: "not-allowed"; readonly why: string };

/** An address that the test's author knows to be one. */
export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(`Cannot use ${text} in a test as it is no address`);
  return parsed;
}

/** A pair; one address serves as both halves. */
export function pair(envelope: string, header = envelope): Pair {
  return { envelope: address(envelope), header: address(header) };
}

/** Relays a message that came in these chunks with this envelope sender. */
export function relay(chunks: readonly Buffer[], envelope: Address | null, policy: SenderPolicy): Relayed {
  const reader = new MessageReader();
  const body = [...chunks.flatMap((chunk) => reader.push(chunk)), ...reader.end()];
  if (reader.head.kind !== "complete") {
    return { kind: "malformed", problem: reader.head.kind === "refused" ? reader.head.problem : "unread" };
  }
  const { head } = reader.head;
  const read = readIdentities(head, hostname);
  if (!read.ok) return { kind: "malformed", problem: read.problem };
  const decision = decideSender(policy, { envelope, header: read.identities.from?.address });
  if (decision.action !== "send") return { kind: "not-allowed", why: decision.why };
  const date = new Date(Date.UTC(2026, 0, 5, 10, 0, 0));
  const edited = editHead(head, {
    pair: decision.pair,
    original: { ...read.identities, envelope },
    keepOriginal: policy.keepOriginal,
    received: receivedField({
      clientIp: "127.0.0.1",
      helo: "app01",
      hostname,
      id: "0a1b2c",
      protocol: "ESMTP",
      date,
    }),
    date: "Mon, 05 Jan 2026 10:00:00 +0000",
    messageId: `<0a1b2c@${hostname}>`,
  });
  return {
    kind: "sent",
    bytes: Buffer.concat([edited.bytes, ...body]),
    pair: decision.pair,
    changes: edited.changes,
  };
}
