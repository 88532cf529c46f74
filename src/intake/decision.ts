/**
 * What becomes of a message, decided from its envelope and head alone, while the body still comes in.
 *
 * Promises: pure; what is accepted has a head that obeys sender policy (P6) and an entry for the spool that
 * says which rule made it so. The questions, in order: a loop? then those of `decide`, which policy asks again later.
 * Refuses with a reply of replies.ts, never with an exception.
 */
import { type Decision, decide } from "../decision/decide.ts";
import type { Address } from "../mail/address.ts";
import type { Head } from "../mail/head.ts";
import type { Reply } from "../mail/reply.ts";
import { dateTime } from "../message/date.ts";
import { countHops, receivedField } from "../message/received.ts";
import type { SpoolEntry } from "../spool/entry.ts";
import type { IntakeSettings } from "./ports.ts";
import { malformed, recipientOutside, senderRefused, tooManyHops } from "./replies.ts";

/** What is known of a message when its head is complete. */
export interface Submission {
  readonly id: string;
  readonly time: Date;
  readonly client: SpoolEntry["client"] & { readonly protocol: "SMTP" | "ESMTP" };
  /** Envelope sender, qualified; null for MAIL FROM:<>. */
  readonly sender: Address | null;
  /** After aliases, without repeats. */
  readonly recipients: readonly Address[];
  /** The envelope in the client's words. */
  readonly said: { readonly sender: string | null; readonly recipients: readonly string[] };
}

/** The entry as far as the head tells. */
export type DecidedEntry = Omit<SpoolEntry, "timeMs" | "eightBit">;

export type MessageDecision =
  | { readonly action: "accept"; readonly entry: DecidedEntry; readonly headBytes: Buffer }
  | { readonly action: "refuse"; readonly reply: Reply; readonly from?: string; readonly rule?: string };

export function decideMessage(settings: IntakeSettings, submission: Submission, head: Head): MessageDecision {
  const hops = countHops(head);
  // RFC 5321 §6.3: counting Received fields finds loops.
  if (hops >= settings.limits.hops) {
    return { action: "refuse", reply: tooManyHops(hops, settings.limits.hops) };
  }
  const { client, id, time, sender, recipients, said } = submission;
  const decision = decide(
    settings,
    {
      head,
      client,
      sender,
      recipients,
      received: receivedField({
        clientIp: client.ip,
        helo: client.helo,
        protocol: client.protocol,
        hostname: settings.hostname,
        id,
        date: time,
      }),
      date: dateTime(time),
      messageId: `<${id}@${settings.hostname}>`,
    },
    "refuse",
  );
  if (decision.action === "refuse") return refusal(decision);
  const { account, pair, edited, rule, why } = decision;
  return {
    action: "accept",
    headBytes: edited.bytes,
    entry: {
      id,
      client,
      received: { sender: said.sender, from: decision.from ?? "", recipients: said.recipients },
      account,
      envelope: { sender: pair.envelope, recipients },
      from: pair.header,
      rule,
      why,
      changes: edited.changes,
      class: decision.class,
      ...(decision.action === "hold" ? { hold: why } : {}),
      messageId: edited.messageId,
      undo: edited.undo,
    },
  };
}

function refusal(refused: Extract<Decision, { action: "refuse" }>): MessageDecision {
  if (refused.because === "malformed") return { action: "refuse", reply: malformed(refused.why) };
  const { outside, rule, why, from } = refused;
  const reply =
    outside === undefined ? senderRefused(why) : recipientOutside(outside.recipients, outside.account);
  return { action: "refuse", reply, rule, ...(from === undefined ? {} : { from }) };
}
