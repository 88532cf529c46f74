/** A journal for tests of what is added up from it: facts as delivery tells them. */
import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { JournalLine } from "../../src/journal/journal.ts";
import { address } from "./messages.ts";

export interface Charged {
  readonly at: string;
  readonly chargedAt?: string;
  readonly account?: string;
  readonly sender?: string;
  readonly user?: string;
  readonly recipients?: number;
  readonly bytes?: number;
  readonly class?: "urgent" | "bulk";
  readonly event?: "delivered" | "deferred";
}

/** An attempt that took its charge. */
export function charged(what: Charged): JournalLine {
  const { at, chargedAt = at, account = "portal", sender = "app@lab.example", recipients = 1 } = what;
  const common = {
    at,
    id: "1m84xr46400t1k",
    account,
    sender: address(sender),
    ...(what.user === undefined ? {} : { user: what.user }),
    recipients: Array.from({ length: recipients }, (_, n) => address(`user${n}@example.org`)),
    upstream: "relay:587",
    session: "s1",
    charged: 1 as const,
    charge: { recipients, bytes: what.bytes ?? 1000, class: what.class ?? "bulk", at: chargedAt },
    delay: 1,
  };
  if (what.event === "deferred") return { ...common, event: "deferred", reason: "later", next: at };
  const reply = { code: 250, enhanced: "2.0.0", text: "250 2.0.0 ok" };
  return { ...common, event: "delivered", reply, sizeBytes: 1000 } as JournalLine;
}

/** A message that was taken. */
export function accepted(at: string, recipients = 1, account: string | null = "portal"): JournalLine {
  return {
    at,
    event: "accepted",
    id: "1m84xr46400t1k",
    account,
    sender: address("app@lab.example"),
    from: "app@lab.example",
    recipients: Array.from({ length: recipients }, (_, n) => `user${n}@example.org`),
    sizeBytes: 1000,
    class: "bulk",
    client: "127.0.0.1",
    messageId: "<1@test>",
    rule: "accounts[0].senders[0]",
  };
}

/** Appends the lines to the files of their days. */
export async function write(folder: string, ...lines: readonly JournalLine[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const line of lines)
    await appendFile(join(folder, `${line.at.slice(0, 10)}.jsonl`), `${JSON.stringify(line)}\n`);
}
