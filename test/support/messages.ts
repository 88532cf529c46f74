/** Spool entries for tests that do not care how a message came. */
import type { Address } from "../../src/mail/address.ts";
import type { SpoolEntry } from "../../src/spool/entry.ts";

export const address = (text: string) => text as Address;

/** An entry to `recipients`, with what differs in `changes`. */
export function entryFor(id: string, changes: Partial<SpoolEntry> = {}): SpoolEntry {
  return {
    id,
    timeMs: Date.now(),
    client: { ip: "127.0.0.1", helo: "test", protocol: "ESMTP" },
    received: { sender: "app@lab.example", from: "app@lab.example", recipients: ["bob@example.org"] },
    account: "portal",
    envelope: { sender: address("app@lab.example"), recipients: [address("bob@example.org")] },
    from: address("app@lab.example"),
    rule: "accounts[0].senders[0]",
    why: "an allowed pair",
    changes: [],
    class: "bulk",
    messageId: "<1@test>",
    eightBit: false,
    ...changes,
  };
}

export const WIRE = Buffer.from("From: app@lab.example\r\nSubject: hello\r\n\r\nbody\r\n");
