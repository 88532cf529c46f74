/**
 * What policy makes of a message, decided from its envelope and its head as they came: the one code for the moment at
 * which it is accepted and for every time at which policy is run on it again.
 *
 * Promises: pure; what is sent or held has a head that obeys sender policy (P6), and says which rule made it so. The
 * questions, in order: whose? which pair? may it go there? What is held has its own pair, no account, and cannot go out.
 * Refuses as a value: the listener makes a reply of it. Mail that we answer for already is parked instead.
 */
import type { Address } from "../mail/address.ts";
import type { Pair } from "../mail/envelope.ts";
import type { Head } from "../mail/head.ts";
import { type Identities, readIdentities } from "../mail/identity.ts";
import { type EditedHead, type EditPlan, editHead } from "../message/edit.ts";
import { domainAllowed } from "../policy/recipients.ts";
import { decideSender, type SenderDecision, type SenderPolicy } from "../policy/senders.ts";

/** The part of the config that decides. */
export interface DecisionSettings {
  readonly hostname: string;
  readonly accounts: readonly { readonly name: string; readonly allowDomains: readonly string[] }[];
  readonly senders: SenderPolicy;
  readonly urgent: {
    readonly headers: Readonly<Record<string, string>>;
    readonly senders: readonly Address[];
    readonly users: readonly string[];
  };
}

/** A message to decide on; the fields that are ours to add come ready-made. */
export interface Offered extends Pick<EditPlan, "received" | "date" | "messageId"> {
  readonly head: Head;
  /** Who handed it in: a rule may be for the mail of one local user. */
  readonly client: { readonly ip: string; readonly user?: string | undefined };
  /** Envelope sender, qualified; null for MAIL FROM:<>. */
  readonly sender: Address | null;
  /** Who is still to get it. */
  readonly recipients: readonly Address[];
}

/** What is not allowed: `refuse` it, or take it and `park` it, when 250 was said long ago. */
export type WhenNotAllowed = "refuse" | "park";

export type Decision =
  | {
      readonly action: "send" | "hold";
      /** Null when it is held. */
      readonly account: string | null;
      readonly pair: Pair;
      readonly rule: string;
      readonly why: string;
      readonly class: "urgent" | "bulk";
      readonly edited: EditedHead;
      /** The address that From had, if there was one. */
      readonly from: Address | undefined;
    }
  | { readonly action: "refuse"; readonly because: "malformed"; readonly why: string }
  | {
      readonly action: "refuse";
      readonly because: "sender" | "recipients";
      readonly rule: string;
      readonly why: string;
      readonly from: Address | undefined;
      /** Whose `allowDomains` these recipients are outside of. */
      readonly outside?: { readonly account: string; readonly recipients: readonly Address[] };
    };

export function decide(settings: DecisionSettings, offered: Offered, when: WhenNotAllowed): Decision {
  const { senders, hostname, urgent } = settings;
  const { head, client, sender, received, date, messageId } = offered;
  const read = readIdentities(head, hostname);
  if (!read.ok) return { action: "refuse", because: "malformed", why: read.problem };
  const { identities } = read;
  const from = identities.from?.address;

  const said = { envelope: sender, header: from, user: client.user };
  const decided = decideSender(senders, said);
  const outside = outsiders(settings, decided, offered.recipients);
  const why = outside === undefined ? decided.why : outsideSentence(outside);
  const { rule } = decided;
  const allowed = decided.action === "send" && outside === undefined;
  const pair = allowed ? decided.pair : ownPair(senders, said);
  if (pair === undefined || (when === "refuse" && !allowed && decided.action !== "hold")) {
    const because = outside === undefined ? "sender" : "recipients";
    return { action: "refuse", because, rule, why, from, ...(outside === undefined ? {} : { outside }) };
  }
  return {
    action: allowed ? "send" : "hold",
    account: allowed ? decided.account : null,
    pair,
    rule,
    why,
    class: isUrgent(urgent, { head, identities, pair, sender, user: client.user }) ? "urgent" : "bulk",
    edited: editHead(head, {
      pair,
      original: { ...identities, envelope: sender },
      keepOriginal: senders.keepOriginal,
      received,
      date,
      messageId,
    }),
    from,
  };
}

/** The pair that what is held keeps until policy is run on it again: its own. */
function ownPair(
  policy: SenderPolicy,
  said: { readonly envelope: Address | null; readonly header: Address | undefined },
): Pair | undefined {
  const envelope = said.envelope ?? policy.nullSender ?? said.header;
  return envelope && { envelope, header: said.header ?? envelope };
}

function outsiders(
  settings: DecisionSettings,
  decided: SenderDecision,
  recipients: readonly Address[],
): { account: string; recipients: readonly Address[] } | undefined {
  if (decided.action !== "send") return undefined;
  const account = settings.accounts.find(({ name }) => name === decided.account);
  if (account === undefined)
    throw new Error(`Cannot send as account ${decided.account} as it is not configured`);
  const outside = recipients.filter((recipient) => !domainAllowed(account.allowDomains, recipient));
  return outside.length > 0 ? { account: account.name, recipients: outside } : undefined;
}

function outsideSentence({ account, recipients }: { account: string; recipients: readonly Address[] }) {
  const [first, ...others] = recipients;
  const who = others.length === 0 ? first : `${first} and ${others.length} more`;
  return `${who} not in recipients.allowDomains of account ${account}; mail there is not allowed`;
}

/** `X-Priority: 1 (Highest)` counts for `X-Priority: "1"`: a comment or a second word changes nothing. */
function isUrgent(
  urgent: DecisionSettings["urgent"],
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
