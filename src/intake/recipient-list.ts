/**
 * The recipients of one message: resolved through aliases, merged, counted.
 *
 * Promises: at most `limits.recipients`, each once, in the order of their first mention.
 * Refuses each with its reply of replies.ts; a refused one changes nothing.
 */
import type { Address, Path } from "../mail/address.ts";
import type { Reply } from "../mail/reply.ts";
import { domainAllowed, resolveRecipient } from "../policy/recipients.ts";
import { saidPath } from "./commands.ts";
import type { IntakeSettings } from "./ports.ts";
import { recipientOk, recipientOutside, tooManyRecipients } from "./replies.ts";

export class RecipientList {
  readonly #settings: IntakeSettings;
  readonly #said = new Map<Address, string>();

  constructor(settings: IntakeSettings) {
    this.#settings = settings;
  }

  get size(): number {
    return this.#said.size;
  }

  get addresses(): readonly Address[] {
    return [...this.#said.keys()];
  }

  /** In the client's words, by the first mention. */
  get said(): readonly string[] {
    return [...this.#said.values()];
  }

  /** Answers RCPT. */
  add(path: Path): Reply {
    const { hostname, recipients, accounts, limits } = this.#settings;
    const resolved = resolveRecipient({ hostname, aliases: recipients.aliases }, path);
    if (!resolved.ok) return resolved.reply;
    const { address } = resolved;
    if (this.#said.has(address)) return recipientOk;
    // Which account sends is known after the head only; what none of them may send to is known now.
    if (accounts.every(({ allowDomains }) => !domainAllowed(allowDomains, address))) {
      return recipientOutside([address]);
    }
    // RFC 5321 §4.5.3.1.10: 452, so that the client sends the rest in another transaction.
    if (this.#said.size >= limits.recipients) return tooManyRecipients(limits.recipients);
    this.#said.set(address, saidPath(path));
    return recipientOk;
  }
}
