/** A day of a journal to search in: one line a message, each with names of its own. */
import { queueIdMaker } from "../../src/spool/queue-id.ts";

const BEGIN_MS = Date.UTC(2026, 6, 1);
const made = new Map<number, string>();

/** Message number `n`. */
export function oneOf(n: number) {
  return {
    at: new Date(BEGIN_MS + n * 1000).toISOString(),
    event: "accepted",
    id: idOf(n),
    account: "portal",
    sender: "app@lab.example",
    from: `App@dept${n}.example`,
    recipients: [`user${n}@example.org`],
    sizeBytes: 1000,
    class: "bulk",
    client: "127.0.0.1",
    messageId: `<mail${n}@app01.lab.example>`,
    rule: "accounts[0].senders[0]",
  };
}

/** Lines of `count` messages from number `first` on; `changes` by number. */
export function journalText(count: number, changes: Record<number, object> = {}, first = 0): string {
  const numbers = Array.from({ length: count }, (_, n) => first + n);
  return numbers.map((n) => `${JSON.stringify({ ...oneOf(n), ...changes[n] })}\n`).join("");
}

function idOf(n: number): string {
  const id = made.get(n) ?? queueIdMaker({ now: () => BEGIN_MS + n * 1000, random: () => 0 })();
  made.set(n, id);
  return id;
}
