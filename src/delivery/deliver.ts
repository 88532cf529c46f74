/**
 * One attempt at one message: open its file, say it to the upstream, write down what came of it, settle its job.
 *
 *     file gone ───────────▶ delivered before (the journal knows) or lost: completed, with an alarm if lost
 *     held ────────────────▶ parked
 *     too old ─────────────▶ expired: given up
 *     sent ─▶ outcome line (synced) ─▶ journal ─▶ unlink ─▶ job completed        all delivered
 *                                   └▶ file stays, job failed                    somebody refused for good
 *                                   └▶ file stays, job delayed                   somebody deferred
 *
 * Promises (P1, P3): what the upstream answered is on disk before anything else happens; settled recipients
 * are never tried again. One transaction carries at most 100 recipients; the rest follow in the next one.
 */
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Address } from "../mail/address.ts";
import type { Events } from "../observe/events.ts";
import type { AccountQueue, Fetched } from "../queue/account-queue.ts";
import { expired, type RetryPolicy, retryDelayMs } from "../schedule/backoff.ts";
import type { Ledger } from "../schedule/ledger.ts";
import type { RecipientResult, Verdict } from "../schedule/outcome.ts";
import type { SpoolRecord } from "../spool/entry.ts";
import type { SpoolMessage } from "../spool/message.ts";
import type { Spool } from "../spool/spool.ts";
import { type MessageState, messageState } from "../spool/state.ts";
import type { Session, Transaction } from "../upstream/session.ts";
import { tellAttempt, whyOf } from "./attempt-facts.ts";
import { park, unreadable, withoutFile } from "./unusable.ts";

/** RFC 5321 §4.5.3.1.8: an upstream takes at least 100 recipients in a transaction; we ask for no more. */
const MAX_RECIPIENTS = 100;
const WRITE_RETRY_MS = 1000;
const WRITE_RETRY_MAX_MS = 30_000;

export interface DeliverParts {
  readonly spool: Spool;
  readonly queue: AccountQueue;
  readonly events: Events;
  readonly retry: RetryPolicy;
  readonly now: () => number;
  /** Is the agent about to end? */
  readonly stopping: () => boolean;
  readonly random: () => number;
  /** Whether the journal says that this message, whose file is gone, was finished. */
  readonly wasFinished: (id: string) => Promise<boolean>;
}

/** What the lane needs to know: was MAIL said, and does a failure blame more than the message? */
export interface Attempted {
  readonly mailSaid: boolean;
  readonly blamed: Verdict["scope"] | undefined;
  readonly why: string;
  /** Its next attempt has a time: somebody must wake for it. */
  readonly deferred: boolean;
}

const NOT_TRIED: Attempted = { mailSaid: false, blamed: undefined, why: "", deferred: false };

/** Tries a fetched message on a session. Rejects only when the disk or Redis failed: recovery mends what is half done. */
export async function deliver(
  parts: DeliverParts,
  session: Session,
  { fetched, mayStillMail }: { fetched: Fetched; mayStillMail: () => boolean },
): Promise<Attempted> {
  if (!fetched.known) {
    await park(parts, fetched, "its job is of a version that this sluice does not know");
    return NOT_TRIED;
  }
  const opened = await parts.spool.open(fetched.id).catch((error: Error) => error);
  if (opened instanceof Error) {
    await unreadable(parts, fetched, opened);
    return NOT_TRIED;
  }
  if (!opened.ok) {
    await withoutFile(parts, fetched, opened.why === "corrupt" ? opened.problem : undefined);
    return NOT_TRIED;
  }
  await using message = opened.message;
  const state = messageState(message.entry, message.records);
  if (state.kind !== "pending") {
    await settle(parts, fetched, message, state);
    return NOT_TRIED;
  }
  const { nextMs = 0 } = state;
  const waitMs = nextMs - parts.now();
  // Due early: its job was lost and made anew. Far beyond any delay of ours the clock was wrong, not the job.
  if (waitMs > 0 && waitMs < parts.retry.maxMs * 2) {
    await parts.queue.defer(fetched, nextMs);
    return NOT_TRIED;
  }
  if (expired(parts.retry, { ageMs: parts.now() - message.entry.timeMs, stoppedMs: 0 })) {
    await expire(parts, fetched, message, state);
    return NOT_TRIED;
  }
  const body = await message.wire();
  if (!mayStillMail()) {
    await parts.queue.putBack(fetched); // Redis or the disk was slow: its charge is too old, it is charged again
    return NOT_TRIED;
  }
  return await attempt(parts, session, { fetched, message, ledger: state.ledger, body });
}

async function attempt(
  parts: DeliverParts,
  session: Session,
  work: { fetched: Fetched; message: SpoolMessage; ledger: Ledger; body: Buffer | Readable },
): Promise<Attempted> {
  const { entry } = work.message;
  const recipients = nextRecipients(work.ledger).slice(0, Math.min(MAX_RECIPIENTS, session.limits.rcptMax));
  const mailsBefore = session.mails;
  const transaction = await session.send(
    { sender: entry.envelope.sender, recipients },
    { sizeBytes: entry.wireBytes, eightBit: entry.eightBit, body: work.body },
  );
  const blamed = worstScope(transaction.results);
  const mailSaid = session.mails > mailsBefore;
  if (!mailSaid && blamed !== undefined) {
    await parts.queue.putBack(work.fetched); // the session had ended meanwhile: nothing was tried
    return { mailSaid, blamed, why: whyOf(transaction.results), deferred: false };
  }
  const outcome = await record(parts, session, { message: work.message, transaction, blamed });
  await settle(parts, work.fetched, work.message, outcome);
  return { mailSaid, blamed, why: whyOf(transaction.results), deferred: outcome.kind === "pending" };
}

/** Recipients of no transaction yet go first; those that were deferred when nobody else is left. */
function nextRecipients(ledger: Ledger): readonly Address[] {
  const fresh = untried(ledger);
  return fresh.length > 0 ? fresh : ledger.pending;
}

function untried(ledger: Ledger): readonly Address[] {
  return ledger.pending.filter((recipient) => !ledger.reasons.has(recipient));
}

/** Writes the attempt down, synced, then tells log and journal; returns the state the message is in now. */
async function record(
  parts: DeliverParts,
  session: Session,
  work: { message: SpoolMessage; transaction: Transaction; blamed: Verdict["scope"] | undefined },
): Promise<MessageState> {
  const { message, transaction } = work;
  const now = parts.now();
  const ageMs = now - message.entry.timeMs;
  // A session that worked and then ended under this message (its limit of messages, say) is no reason to wait.
  const delayMs = () =>
    work.blamed === "session" && session.mails > 1 && !transaction.inDoubt && message.records.length === 0
      ? 0
      : retryDelayMs(parts.retry, ageMs, parts.random);
  const deferred = transaction.results.some((r) => r.status === "failed" && r.verdict.action === "defer");
  const nextMs = deferred ? now + delayMs() : undefined;
  await writeDown(parts, message, {
    at: now,
    event: "attempt",
    upstream: session.upstream,
    session: session.id,
    results: transaction.results,
    ...(transaction.inDoubt ? { inDoubt: true as const } : {}),
    ...(nextMs === undefined ? {} : { nextMs }),
  });
  await tellAttempt(parts.events, session, {
    entry: message.entry,
    transaction,
    ageMs,
    nextMs: nextMs ?? now,
  });
  return messageState(message.entry, message.records);
}

/**
 * What the upstream said must be on disk before anything else happens: a full disk is waited for, since going on
 * without it would send the message again. A stop ends the waiting; the attempt is then in doubt.
 */
async function writeDown(parts: DeliverParts, message: SpoolMessage, record: SpoolRecord): Promise<void> {
  for (let waitMs = WRITE_RETRY_MS; ; waitMs = Math.min(WRITE_RETRY_MAX_MS, waitMs * 2)) {
    try {
      return await message.append(record);
    } catch (error) {
      const reason = `cannot write down what the upstream said, trying again: ${(error as Error).message}`;
      parts.events.report("trouble", { part: "spool", id: message.entry.id, reason }, "error");
      if (parts.stopping()) throw error;
      await sleep(waitMs);
    }
  }
}

/** The one place where a message's state becomes its job's. */
async function settle(
  parts: DeliverParts,
  fetched: Fetched,
  message: SpoolMessage,
  state: MessageState,
): Promise<void> {
  const { entry } = message;
  switch (state.kind) {
    case "settled":
      await parts.events.fact({
        event: "finished",
        id: entry.id,
        account: entry.account,
        sender: entry.envelope.sender,
      });
      await parts.spool.remove(entry.id);
      return parts.queue.complete(fetched);
    case "bounced":
      return parts.queue.bounce(fetched, state.reason);
    case "held":
      return parts.queue.hold(fetched);
    case "pending":
      // Recipients that were not in the transaction yet go on at once; deferred ones when their time comes.
      if (untried(state.ledger).length > 0) return parts.queue.putBack(fetched);
      return parts.queue.defer(fetched, state.nextMs ?? parts.now());
  }
}

async function expire(
  parts: DeliverParts,
  fetched: Fetched,
  message: SpoolMessage,
  state: Extract<MessageState, { kind: "pending" }>,
): Promise<void> {
  const { entry } = message;
  const now = parts.now();
  const reason = `not delivered in time; last: ${state.reason ?? "never tried"}`;
  const recipients = state.ledger.pending;
  await message.append({ at: now, event: "expired", recipients, reason });
  const delay = Math.round((now - entry.timeMs) / 1000);
  const common = { id: entry.id, account: entry.account, sender: entry.envelope.sender };
  await parts.events.fact({ event: "expired", ...common, recipients, reason, delay });
  await settle(parts, fetched, message, messageState(entry, message.records));
}

/** Whom the attempt's failures blame beyond the message itself, the widest first. */
function worstScope(results: readonly RecipientResult[]): Verdict["scope"] | undefined {
  const scopes = new Set(
    results.flatMap((result) => (result.status === "failed" ? [result.verdict.scope] : [])),
  );
  return (["account", "upstream", "session"] as const).find((scope) => scopes.has(scope));
}
