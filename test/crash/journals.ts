/**
 * The journals that the oracle compares: the client's, kept while it submits; the sink's, from what arrived; and the
 * agent's log, of which only the attempts in doubt are kept.
 *
 * Promises: a submission is written down with what the client saw, whatever happens to the connection: without a
 * reply, the final dot decides whether it is unknown or was never finished.
 */
import { createHash } from "node:crypto";
import type { Arrived } from "../../src/sandbox/arrivals.ts";
import type { Arrival, Submission } from "../support/oracle.ts";
import type { LogLine } from "../support/relay-process.ts";
import { SmtpClient, stuffed } from "../support/smtp-client.ts";

/** A message that a client has to submit; `id` is its subject. */
export interface Letter {
  readonly id: string;
  readonly from?: string;
  readonly recipients?: readonly string[];
  /** Lines ended by CRLF, the last one too. */
  readonly body?: string;
  /** The client goes away in the middle of the body. */
  readonly cutOff?: true;
}

const ANYBODY = ["bob@example.org"];

/** Submits a letter in a session of its own; never rejects. The queue id is that of a 250. */
export async function submitted(port: number, letter: Letter): Promise<Submission & { queueId: string }> {
  const { id, from = "app@lab.example", recipients = ANYBODY, body = "hello\r\n", cutOff } = letter;
  const known = { id, recipients, sha256: sha256(Buffer.from(body, "latin1")) };
  const data = stuffed(`Subject: ${id}\r\n\r\n${body}`).toString("latin1").slice(0, -"\r\n".length);
  let dotSaid = false;
  let client: SmtpClient | undefined;
  try {
    client = await SmtpClient.connect(port);
    for (const command of [
      "EHLO test",
      `MAIL FROM:<${from}>`,
      ...recipients.map((to) => `RCPT TO:<${to}>`),
      "DATA",
    ]) {
      if (!/^[23]/.test(await client.say(command))) return { ...known, saw: "refused", queueId: "" };
    }
    if (cutOff) {
      // No reply to this, nor time for one. Dots at its end, with the line end that follows, could be the final one.
      client.say(data.slice(0, data.length / 2).replace(/\.+$/, "")).catch(() => {});
      return { ...known, saw: "never finished", queueId: "" };
    }
    dotSaid = true;
    const reply = await client.say(data);
    const queueId = /^250 .* queued as (\S+)/.exec(reply)?.[1] ?? "";
    return { ...known, saw: reply.startsWith("250 ") ? "accepted" : "refused", queueId };
  } catch {
    return { ...known, saw: dotSaid ? "unknown" : "never finished", queueId: "" };
  } finally {
    client?.destroy();
  }
}

/** What the sink says of a message as it arrives. */
export function arrivalOf({ subject = "", recipients, raw }: Arrived): Arrival {
  if (!raw) throw new Error("Cannot journal a message as its bytes are forgotten already");
  const bodyAt = raw.indexOf("\r\n\r\n") + 4;
  const received = raw.toString("latin1", 0, bodyAt);
  return {
    id: subject,
    queueId: /^Received: from [^;]* with E?SMTP id ([^;\s]+);/m.exec(received)?.[1] ?? "",
    recipients,
    sha256: sha256(raw.subarray(bodyAt)),
  };
}

/** The queue ids of the attempts that these lines call in doubt, each attempt once. */
export function attemptsInDoubt(log: readonly LogLine[]): string[] {
  const seen = new Set<string>();
  return log.flatMap(({ event, inDoubt, id, session }) => {
    if (inDoubt !== true || (event !== "deferred" && event !== "recovered")) return [];
    const attempt = `${id} ${session}`; // recipients with different answers have a line each
    if (event === "deferred" && seen.has(attempt)) return [];
    seen.add(attempt);
    return [String(id)];
  });
}

/** Everything that the journals and the log have on the messages that these faults name. */
export function evidence(
  faults: readonly string[],
  {
    submissions,
    arrivals,
    log,
  }: { submissions: readonly Submission[]; arrivals: readonly Arrival[]; log: readonly LogLine[] },
): string {
  const named = new Set(faults.map((fault) => fault.split(" ")[0]));
  const of = <T extends { readonly id: string }>(entries: readonly T[]) =>
    entries.filter(({ id }) => named.has(id));
  const queueIds = new Set(of(arrivals).map(({ queueId }) => queueId));
  const lines = log.filter(({ id }) => queueIds.has(String(id)));
  const starts = log.filter(({ event }) => event === "started");
  const told = [...of(submissions), ...of(arrivals), ...starts, ...lines];
  return [...faults, ...told.map((entry) => JSON.stringify(entry))].join("\n");
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
