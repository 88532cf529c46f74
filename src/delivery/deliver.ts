/**
 * One attempt at one message: open its file, say it to the upstream, write down what came of it, settle its job.
 *
 *     file gone ───────────▶ delivered before (the journal knows) or lost: completed, with an alarm if lost
 *     another account's ───▶ its job goes to that queue
 *     bounced, held ───────▶ its job follows
 *     not due, pair stopped ▶ deferred, nothing is said
 *     sent ─▶ outcome line (synced) ─▶ journal ─▶ notice ─▶ unlink ─▶ job completed        all delivered
 *                                             └▶ file stays, job failed                    somebody was given up
 *                                             └▶ file stays, job delayed                   somebody is deferred
 *
 * Promises (P1, P3): what the upstream answered is on disk before anything else happens; settled recipients
 * are never tried again. One transaction carries at most 100 recipients; the rest follow in the next one.
 */
import type { Readable } from "node:stream";
import type { Address } from "../mail/address.ts";
import { crashPoint } from "../observe/crash-point.ts";
import type { Events } from "../observe/events.ts";
import type { AccountQueue, Fetched } from "../queue/account-queue.ts";
import type { RetryPolicy } from "../schedule/backoff.ts";
import type { Ledger } from "../schedule/ledger.ts";
import type { RecipientResult, Verdict } from "../schedule/outcome.ts";
import type { Weight } from "../schedule/pace.ts";
import type { StoredEntry } from "../spool/entry.ts";
import type { SpoolMessage } from "../spool/message.ts";
import type { Spool } from "../spool/spool.ts";
import { dueMs, messageState, waits } from "../spool/state.ts";
import { discard } from "../upstream/body.ts";
import type { Breaker } from "../upstream/breaker.ts";
import type { Session } from "../upstream/session.ts";
import { whyOf } from "./attempt-facts.ts";
import type { Budget, Charge } from "./budget.ts";
import type { Notices } from "./notices.ts";
import { settle, untried } from "./settle.ts";
import { tellUntold, type UntoldParts } from "./untold.ts";
import { misplaced, park, unreadable, withoutFile } from "./unusable.ts";
import { writeDown } from "./write-down.ts";

/** Mail of a stopped pair comes back spread over this part of the wait, not as one wave. */
const SPREAD = 0.2;

export interface DeliverParts {
  readonly spool: Spool;
  readonly queue: AccountQueue;
  readonly events: Events;
  readonly retry: RetryPolicy;
  readonly now: () => number;
  /** Is the agent about to end? What cannot be written down then is in doubt. */
  readonly ending: () => boolean;
  readonly random: () => number;
  /** Whether the journal says that this message, whose file is gone, was finished. */
  readonly wasFinished: (id: string) => Promise<boolean>;
  /** The breaker of its pair, if it has one. */
  readonly pairBreaker: (entry: StoredEntry) => Breaker | undefined;
  /** How long its pair could be worked for so far, milliseconds. */
  readonly workedMs: (entry: StoredEntry) => number;
  /** Gives a message its job, in the queue of its account. */
  readonly enqueue: (entry: StoredEntry) => void;
  /** Most recipients of a transaction. */
  readonly maxRecipients: number;
  readonly notices: Pick<Notices, "about">;
  readonly untold: UntoldParts;
}

/** Takes the charge of a message, or says how long to wait for it. */
export type TakeCharge = (weight: Weight) => ReturnType<Budget["charge"]>;

/** What the lane needs to know: was MAIL said, and does a failure blame more than the message? */
export interface Attempted {
  readonly mailSaid: boolean;
  readonly blamed: Verdict["scope"] | undefined;
  /** To one recipient at least. */
  readonly delivered: boolean;
  readonly why: string;
  /** Its next attempt has a time: somebody must wake for it. */
  readonly deferred: boolean;
}

const NOT_TRIED: Attempted = {
  mailSaid: false,
  blamed: undefined,
  delivered: false,
  why: "",
  deferred: false,
};

/** Tries a fetched message on a session. Rejects only when the disk or Redis failed: recovery mends what is half done. */
export async function deliver(
  parts: DeliverParts,
  session: Session,
  { fetched, charge }: { fetched: Fetched; charge: TakeCharge },
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
  if (message.entry.account !== parts.queue.account) {
    await misplaced(parts, fetched, message.entry);
    return NOT_TRIED;
  }
  await tellUntold(parts.untold, message);
  const state = messageState(message.entry, message.records);
  if (state.kind !== "pending") {
    await settle(parts, fetched, message, "as it was");
    return NOT_TRIED;
  }
  const now = parts.now();
  if (waits(state, now)) {
    await parts.queue.defer(fetched, dueMs(state, now));
    return NOT_TRIED;
  }
  const pair = parts.pairBreaker(message.entry);
  const admitted = pair?.admit() ?? "go";
  if (pair && admitted === "wait") {
    await parts.queue.defer(fetched, now + pair.waitMs() * (1 + SPREAD * parts.random()));
    return { ...NOT_TRIED, deferred: true };
  }
  try {
    const body = await message.wire().catch((error: Error) => error);
    if (body instanceof Error) {
      await unreadable(parts, fetched, body);
      return { ...NOT_TRIED, deferred: true };
    }
    const most = Math.min(parts.maxRecipients, session.limits.rcptMax);
    const recipients = nextRecipients(state.ledger).slice(0, most);
    const taken = await charge({ recipients: recipients.length, bytes: message.entry.wireBytes });
    if ("waitMs" in taken || !taken.charge.valid()) {
      // No budget for this one yet; or Redis was slow, the charge is too old, and it is charged again.
      if ("charge" in taken) await taken.charge.refund();
      discard(body);
      await parts.queue.putBack(fetched);
      return NOT_TRIED;
    }
    return await attempt(parts, session, { fetched, message, recipients, body, pair, charge: taken.charge });
  } finally {
    if (admitted === "probe") pair?.release(); // nothing, if the attempt told something of the pair
  }
}

async function attempt(
  parts: DeliverParts,
  session: Session,
  work: {
    fetched: Fetched;
    message: SpoolMessage;
    recipients: readonly Address[];
    body: Buffer | Readable;
    pair: Breaker | undefined;
    charge: Charge;
  },
): Promise<Attempted> {
  const { fetched, message, recipients, pair, charge } = work;
  const { entry } = message;
  const mailsBefore = session.mails;
  const { upstream, id } = session;
  crashPoint("fetched");
  const startedMs = parts.now();
  const transaction = await session.send(
    { sender: entry.envelope.sender, recipients },
    {
      sizeBytes: entry.wireBytes,
      eightBit: entry.eightBit,
      body: work.body,
      beforeDot: async () => {
        crashPoint("before-dot");
        await message.note({ at: parts.now(), event: "dot", upstream, session: id });
      },
    },
  );
  crashPoint("reply-read");
  const worst = worstScope(transaction.results);
  const blamed = worst === "pair" && !pair ? undefined : worst; // there are too many: it is deferred like any other
  const mailSaid = session.mails > mailsBefore;
  const why = whyOf(transaction.results, blamed);
  const delivered = transaction.results.some(({ status }) => status === "delivered");
  if (!mailSaid) await charge.refund();
  if (!mailSaid && blamed !== undefined) {
    await parts.queue.putBack(fetched); // the session had ended meanwhile: nothing was tried
    return { mailSaid, blamed, delivered, why, deferred: false };
  }
  if (blamed === "pair") pair?.trip(why);
  else if (delivered) pair?.close(); // nothing less tells: the header From is looked at last
  await writeDown(parts, session, {
    message,
    transaction,
    startedMs,
    blamed,
    charged: mailSaid ? charge.past : undefined,
  });
  charge.settle();
  const outcome = await settle(parts, fetched, message, "just tried");
  const beyond = blamed === "pair" ? undefined : blamed;
  return { mailSaid, blamed: beyond, delivered, why, deferred: outcome.kind === "pending" };
}

/** Recipients of no transaction yet go first; those that were deferred when nobody else is left. */
function nextRecipients(ledger: Ledger): readonly Address[] {
  const fresh = untried(ledger);
  return fresh.length > 0 ? fresh : ledger.pending;
}

/**
 * Whom the attempt's failures blame beyond the message itself, the widest first. A pair that somebody was delivered
 * with is not to blame.
 */
function worstScope(results: readonly RecipientResult[]): Verdict["scope"] | undefined {
  const scopes = new Set(
    results.map((result) => (result.status === "failed" ? result.verdict.scope : ("delivered" as const))),
  );
  const wide = (["account", "upstream", "session"] as const).find((scope) => scopes.has(scope));
  return wide ?? (scopes.has("pair") && !scopes.has("delivered") ? "pair" : undefined);
}
