/** Facts of messages for tests of `sluice trace`. */
import type { JournalLine } from "../../src/journal/journal.ts";

type Changes = Readonly<Record<string, unknown>>;

const COMMON = {
  at: "2026-03-31T09:14:00.000Z",
  id: "1m84xr46400t1k",
  account: "portal",
  sender: "app@lab.example",
};

/** Any fact about the message. */
export function fact(event: JournalLine["event"], changes: Changes = {}): JournalLine {
  return { ...COMMON, event, ...changes } as unknown as JournalLine;
}

export function accepted(changes: Changes = {}): JournalLine {
  return fact("accepted", {
    from: "news@lab.example",
    recipients: ["ann@example.org"],
    sizeBytes: 1234,
    class: "bulk",
    client: "127.0.0.1",
    messageId: "<1@app01.lab.example>",
    rule: "accounts[0].senders[0]",
    ...changes,
  });
}

/** One try at the upstream and what came of it. */
export function attempt(event: "delivered" | "deferred" | "bounced", changes: Changes = {}): JournalLine {
  const text = { delivered: "250 2.0.0 ok", deferred: "451 4.7.1 later", bounced: "550 5.1.1 no such user" }[
    event
  ];
  return fact(event, {
    recipients: ["ann@example.org"],
    upstream: "relay[192.0.2.1]:587",
    session: "s1",
    charged: 0,
    delay: 1,
    reply: { code: Number(text.slice(0, 3)), text },
    ...(event === "delivered" ? { sizeBytes: 1234 } : { reason: `relay said ${text}` }),
    ...(event === "deferred" ? { next: "2026-03-31T09:24:00.000Z" } : {}),
    ...changes,
  });
}

/** A refusal at the listener that had no queue id. */
export function refused(changes: Changes = {}): JournalLine {
  const { id: _, account: __, ...common } = COMMON;
  const reply = "550 5.7.1 app@elsewhere.example may not send: see accounts[].senders";
  return {
    ...common,
    event: "rejected",
    stage: "data",
    reply,
    client: "127.0.0.1",
    ...changes,
  } as JournalLine;
}
