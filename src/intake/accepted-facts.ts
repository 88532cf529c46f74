/**
 * What is told of a message that was taken into custody.
 *
 * Promises: pure; who looks for it finds it by what goes out and by what the program said.
 */
import type { Accepted, Held } from "../observe/facts.ts";
import { mailOf, type SpoolEntry } from "../spool/entry.ts";

/** Accepted; and held, when policy parks it from the start. */
export function acceptedFacts(entry: SpoolEntry, sizeBytes: number, subject?: string): (Accepted | Held)[] {
  const common = mailOf(entry);
  const accepted: Accepted = {
    event: "accepted",
    ...common,
    from: entry.from,
    recipients: entry.envelope.recipients,
    sizeBytes,
    class: entry.class,
    client: entry.client.ip,
    messageId: entry.messageId,
    rule: entry.rule,
    ...saidOtherwise(entry),
    ...(subject === undefined ? {} : { subject }),
  };
  return entry.hold === undefined ? [accepted] : [accepted, { event: "held", ...common, reason: entry.hold }];
}

/** Whoever looks for a message knows the addresses that the program said. */
function saidOtherwise({ received, envelope, from }: SpoolEntry): Pick<Accepted, "said"> {
  const { sender } = received;
  const known = new Set<string>(envelope.recipients);
  const others = received.recipients.filter((recipient) => !known.has(recipient));
  const said = {
    ...(sender === null || sender === envelope.sender ? {} : { sender }),
    ...(received.from === "" || received.from === from ? {} : { from: received.from }),
    ...(others.length === 0 ? {} : { recipients: others }),
  };
  return Object.keys(said).length === 0 ? {} : { said };
}
