/**
 * What becomes of a message, decided from its envelope and head alone, while the body still comes in.
 *
 * Promises: pure; what is accepted has a head that obeys sender policy (P6) and an entry for the spool that
 * says which rule made it so. The questions, in order: a loop? whose? which pair? may it go there?
 * Refuses with a reply of replies.ts, never with an exception.
 */
import type { Address } from "../mail/address.ts";
import type { Pair } from "../mail/envelope.ts";
import type { Head } from "../mail/head.ts";
import { type Identities, readIdentities } from "../mail/identity.ts";
import type { Reply } from "../mail/reply.ts";
import { dateTime } from "../message/date.ts";
import { editHead } from "../message/edit.ts";
import { countHops, receivedField } from "../message/received.ts";
import { domainAllowed } from "../policy/recipients.ts";
import { decideSender, type SenderDecision, type SenderPolicy } from "../policy/senders.ts";
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
  const read = readIdentities(head, settings.hostname);
  if (!read.ok) return { action: "refuse", reply: malformed(read.problem) };
  const { identities } = read;
  const from = identities.from?.address;
  const known = from === undefined ? {} : { from };

  const { user } = submission.client;
  const said = { envelope: submission.sender, header: from, user };
  const decision = decideSender(settings.senders, said);
  const pair = pairOf(decision, settings.senders, said);
  if (pair === undefined) {
    return { action: "refuse", reply: senderRefused(decision.why), rule: decision.rule, ...known };
  }
  const refused = refusedRecipients(settings, decision, submission.recipients);
  if (refused !== undefined) return { action: "refuse", reply: refused, rule: decision.rule, ...known };

  const edited = editHead(head, {
    pair,
    original: { ...identities, envelope: submission.sender },
    keepOriginal: settings.senders.keepOriginal,
    received: receivedField({
      clientIp: submission.client.ip,
      helo: submission.client.helo,
      protocol: submission.client.protocol,
      hostname: settings.hostname,
      id: submission.id,
      date: submission.time,
    }),
    date: dateTime(submission.time),
    messageId: `<${submission.id}@${settings.hostname}>`,
  });
  return {
    action: "accept",
    headBytes: edited.bytes,
    entry: {
      id: submission.id,
      client: submission.client,
      received: { sender: submission.said.sender, from: from ?? "", recipients: submission.said.recipients },
      account: decision.action === "send" ? decision.account : null,
      envelope: { sender: pair.envelope, recipients: submission.recipients },
      from: pair.header,
      rule: decision.rule,
      why: decision.why,
      changes: edited.changes,
      class: isUrgent(settings.urgent, { head, identities, pair, sender: submission.sender, user })
        ? "urgent"
        : "bulk",
      ...(decision.action === "hold" ? { hold: decision.why } : {}),
      messageId: edited.messageId,
    },
  };
}

/** The pair the message carries; one that is held keeps its own until policy is run on it again. */
function pairOf(
  decision: SenderDecision,
  policy: SenderPolicy,
  said: { readonly envelope: Address | null; readonly header: Address | undefined },
): Pair | undefined {
  switch (decision.action) {
    case "send":
      return decision.pair;
    case "reject":
      return undefined;
    case "hold": {
      const envelope = said.envelope ?? policy.nullSender;
      return envelope && { envelope, header: said.header ?? envelope };
    }
  }
}

function refusedRecipients(
  settings: IntakeSettings,
  decision: SenderDecision,
  recipients: readonly Address[],
): Reply | undefined {
  if (decision.action !== "send") return undefined;
  const account = settings.accounts.find(({ name }) => name === decision.account);
  if (account === undefined)
    throw new Error(`Cannot send as account ${decision.account} as it is not configured`);
  const outside = recipients.filter((recipient) => !domainAllowed(account.allowDomains, recipient));
  return outside.length > 0 ? recipientOutside(outside, account.name) : undefined;
}

/** `X-Priority: 1 (Highest)` counts for `X-Priority: "1"`: a comment or a second word changes nothing. */
function isUrgent(
  urgent: IntakeSettings["urgent"],
  message: {
    head: Head;
    identities: Identities;
    pair: Pair;
    sender: Address | null;
    user: string | undefined;
  },
): boolean {
  const { identities, pair, sender, user } = message;
  if (user !== undefined && urgent.users.includes(user)) return true;
  const addresses = [sender, identities.from?.address, pair.envelope, pair.header];
  if (urgent.senders.some((address) => addresses.includes(address))) return true;
  return Object.entries(urgent.headers).some(([name, wanted]) => {
    const fieldName = name.toLowerCase();
    const value = wanted.toLowerCase();
    return message.head.fields.some((field) => {
      if (field.name !== fieldName) return false;
      const found = field.value().trim().toLowerCase();
      return found === value || found.startsWith(`${value} `);
    });
  });
}
