/**
 * Notices: who sent a message learns that it failed, or is late (RFC 3464), by mail, through the queue like any other.
 *
 * Promises: one notice for all recipients that an attempt gave up, under an id derived from theirs, so that making it
 * twice is making it once; never about a notice, never for MAIL FROM:<>; at most `perHour` in any 60 minutes, what is
 * beyond is counted and told in one digest an hour for each addressee, so that a bounced backlog is no second bill.
 * A notice that is owed is in the spool before this resolves; trouble with the disk rejects, and it is done again.
 */
import { createHash } from "node:crypto";
import type { PublicConfig } from "../config/config.ts";
import type { Address } from "../mail/address.ts";
import { composeNotice } from "../message/notice.ts";
import { composeDigest } from "../message/notice-digest.ts";
import type { NoticeRecipient } from "../message/notice-report.ts";
import { statusOf } from "../message/notice-status.ts";
import { crashPoint } from "../observe/crash-point.ts";
import type { Events } from "../observe/events.ts";
import { domainAllowed } from "../policy/recipients.ts";
import type { FailedRecipient, Ledger } from "../schedule/ledger.ts";
import type { NoticeKind, SpoolEntry } from "../spool/entry.ts";
import type { SpoolMessage } from "../spool/message.ts";
import { derivedQueueId } from "../spool/queue-id.ts";
import type { Spool } from "../spool/spool.ts";
import { type MessageState, unnoticed } from "../spool/state.ts";
import type { Kept } from "./kept.ts";
import { NoticeAllowance } from "./notice-allowance.ts";

export interface NoticesParts {
  /** The one in force. */
  readonly config: () => Pick<PublicConfig, "hostname" | "notices" | "retry" | "keep" | "accounts">;
  readonly spool: Pick<Spool, "accept" | "open">;
  /** It has custody: it needs its job. */
  readonly enqueue: (entry: SpoolEntry) => void;
  readonly events: Events;
  readonly kept: Pick<Kept, "section" | "note" | "put">;
  /** How long the pair of the entry could be worked for so far, milliseconds. */
  readonly workedMs: (entry: SpoolEntry) => number;
  readonly wasFinished: (id: string) => Promise<boolean>;
  readonly now: () => number;
}

export class Notices {
  readonly #parts: NoticesParts;
  readonly #allowance: NoticeAllowance;

  constructor(parts: NoticesParts) {
    this.#parts = parts;
    this.#allowance = new NoticeAllowance(parts.kept, () => parts.config().notices.perHour, parts.now);
  }

  /** Makes what is owed for a message whose state was just written. `found` as in `settle`. */
  async about(message: SpoolMessage, state: MessageState, found: "just tried" | "as it was"): Promise<void> {
    const { entry, records } = message;
    const failed = unnoticed(state.ledger, records);
    const late = this.#isLate(message, state);
    const to = failed.length > 0 || late ? this.#addressee(entry) : undefined;
    if (to === undefined) return;
    // What failed before the attempt that just ended may have been noticed just before a crash.
    const triedMs = records.findLast(({ event }) => event === "attempt" || event === "bounced")?.at ?? 0;
    const fresh = (one: FailedRecipient) => found === "just tried" && one.at >= triedMs;
    const [now, before] = [failed.filter(fresh), failed.filter((one) => !fresh(one))];
    if (before.length > 0) await this.#failure(message, to, before, "as it was");
    if (now.length > 0) await this.#failure(message, to, now, "just tried");
    if (late) await this.#delay(message, to, state.ledger);
  }

  /** Whether a delay is to be told now. */
  #isLate({ entry, records }: SpoolMessage, { kind, ledger }: MessageState): boolean {
    const { delayAfterMs } = this.#parts.config().notices;
    if (kind !== "pending" || delayAfterMs === undefined || ledger.reasons.size === 0) return false;
    const told = records.some((record) => record.event === "noticed" && record.kind === "delay");
    return !told && this.#parts.now() - entry.timeMs >= delayAfterMs;
  }

  /** Sends the digests that are due. Rejects when the disk does not take them: asked again, it goes on. */
  async sendDigests(): Promise<void> {
    for (const [to, digest] of this.#allowance.dueDigests()) {
      const { samples, sinceMs, count } = digest;
      const id = derivedQueueId(samples[0]?.id ?? "", fingerprint("digest", [to, String(sinceMs)]));
      if (!(await this.#parts.wasFinished(id))) {
        await this.#send(id, to, { kind: "digest", of: null }, (common) =>
          composeDigest({
            ...common,
            since: new Date(sinceMs),
            count,
            samples: samples.map((one) => ({ ...one, acceptedAt: new Date(one.acceptedMs) })),
          }),
        );
      }
      await this.#allowance.digestSent(to, digest);
    }
  }

  #addressee(entry: SpoolEntry): Address | undefined {
    // RFC 5321 §4.5.5, RFC 3834 §2: nothing is ever said about what had no sender, or is a notice itself.
    if (entry.notice !== undefined || entry.received.sender === null) return undefined;
    if (entry.account === null) return undefined; // its sender is a stranger's word: RFC 3834 §2, no backscatter
    const { failure } = this.#parts.config().notices;
    if (failure.kind === "none") return undefined;
    const to = failure.kind === "address" ? failure.address : entry.envelope.sender;
    return this.#mayGo(entry, to) ? to : undefined;
  }

  /** A head may say as much as a body: where an account's mail may not go, a notice about it may not go either. */
  #mayGo({ id, account }: SpoolEntry, to: Address): boolean {
    const { accounts, notices } = this.#parts.config();
    const bound = accounts.filter(({ name }) => name === account || name === notices.from.account);
    const barred = bound.find(({ allowDomains }) => !domainAllowed(allowDomains, to));
    if (barred === undefined) return true;
    const reason = `no notice to ${to}: recipients.allowDomains of account ${barred.name} does not have its domain`;
    this.#parts.events.report("trouble", { part: "notices", id, reason }, "warn");
    return false;
  }

  async #failure(
    message: SpoolMessage,
    to: Address,
    failed: readonly FailedRecipient[],
    found: "just tried" | "as it was",
  ): Promise<void> {
    const { entry } = message;
    const recipients = failed.map(({ recipient }) => recipient);
    const noticed = { at: this.#parts.now(), event: "noticed", kind: "failure", recipients } as const;
    // When they failed is part of it: who is retried and fails again is told again.
    const failures = failed.map(({ recipient, at }) => `${recipient} ${at}`);
    const id = derivedQueueId(entry.id, fingerprint("failure", failures));
    // Met like that, it may have been noticed just before a crash, and that notice be delivered and gone.
    if (found === "as it was" && (await this.#parts.wasFinished(id)))
      return message.append({ ...noticed, id });
    if (!this.#allowance.take()) {
      const reason = failed[0]?.reason ?? "";
      await this.#allowance.count(to, { id: entry.id, recipients, reason, acceptedMs: entry.timeMs });
      return message.append({ ...noticed, id: null });
    }
    const told = failed.map((one) => aboutRecipient("failure", one));
    await this.#compose(message, { id, to, kind: "failure", told });
    crashPoint("notice-spooled");
    await message.append({ ...noticed, id });
    crashPoint("noticed");
  }

  async #delay(message: SpoolMessage, to: Address, { reasons, pending }: Ledger): Promise<void> {
    const { entry } = message;
    const id = derivedQueueId(entry.id, fingerprint("delay", []));
    const noticed = { at: this.#parts.now(), event: "noticed", kind: "delay", recipients: pending } as const;
    if (!this.#allowance.take()) return; // it says nothing that would be lost: a failure would be told
    const told = [...reasons].map(([recipient, failure]) =>
      aboutRecipient("delay", { recipient, by: "upstream", reason: failure.text, failure }),
    );
    await this.#compose(message, { id, to, kind: "delay", told });
    await message.append({ ...noticed, id });
  }

  async #compose(
    message: SpoolMessage,
    notice: { id: string; to: Address; kind: "failure" | "delay"; told: readonly NoticeRecipient[] },
  ): Promise<void> {
    const { id, to, kind, told } = notice;
    const { entry } = message;
    const head = await message.head().catch(() => Buffer.alloc(0)); // it says what it can without
    const { now, workedMs } = this.#parts;
    const config = this.#parts.config();
    const leftMs = Math.max(0, config.retry.expireAfterMs - (workedMs(entry) - (entry.workedMs ?? 0)));
    await this.#send(id, to, { kind, of: entry.id }, (common) =>
      composeNotice({
        ...common,
        kind,
        original: {
          id: entry.id,
          acceptedAt: new Date(entry.timeMs),
          sender: entry.envelope.sender,
          messageId: entry.messageId,
          head,
        },
        recipients: told,
        ...(kind === "delay"
          ? { retryUntil: new Date(now() + leftMs) }
          : { keptUntil: new Date(now() + config.keep.bouncedMs) }),
      }),
    );
  }

  /** Takes custody of a notice, unless it is in the spool already. */
  async #send(
    id: string,
    to: Address,
    notice: { kind: NoticeKind; of: string | null },
    compose: (common: {
      noticeId: string;
      hostname: string;
      date: Date;
      from: Address;
      to: Address;
    }) => Buffer,
  ): Promise<void> {
    const { spool, enqueue, events, now, workedMs } = this.#parts;
    const config = this.#parts.config();
    const there = await spool.open(id);
    if (there.ok) await there.message.close();
    if (there.ok || there.why === "corrupt") return;
    const { account, pair } = config.notices.from;
    const { hostname } = config;
    const timeMs = now();
    const date = new Date(timeMs);
    const bytes = compose({ noticeId: id, hostname, date, from: pair.header, to });
    const entry: SpoolEntry = {
      id,
      timeMs,
      client: { ip: "-", helo: hostname, protocol: "notice" },
      received: { sender: null, from: pair.header, recipients: [to] },
      account,
      envelope: { sender: pair.envelope, recipients: [to] },
      from: pair.header,
      rule: "notices.from",
      why: notice.of === null ? "a digest of failures" : `a ${notice.kind} notice about ${notice.of}`,
      changes: [],
      class: "bulk",
      messageId: `<${id}@${hostname}>`,
      eightBit: false,
      notice,
    };
    await spool.accept({ ...entry, workedMs: workedMs(entry) }, [bytes]);
    enqueue(entry);
    const { from, messageId, rule, class: name } = entry;
    await events.fact({
      event: "accepted",
      id,
      account,
      sender: pair.envelope,
      from,
      recipients: [to],
      sizeBytes: bytes.length,
      class: name,
      client: "-",
      messageId,
      rule,
      notice,
    });
  }
}

function aboutRecipient(
  kind: "failure" | "delay",
  { recipient, by, reason, failure }: Omit<FailedRecipient, "at">,
): NoticeRecipient {
  const { reply, status } = failure ?? {};
  return {
    address: recipient,
    status: statusOf({ kind, by, enhanced: reply?.enhanced, code: reply?.code, ownStatus: status }),
    reason,
    ...(reply === undefined ? {} : { reply: reply.text }),
  };
}

/** What makes a notice about a message the same notice. */
function fingerprint(kind: NoticeKind, parts: readonly string[]): Buffer {
  return createHash("sha256")
    .update([kind, ...parts].join("\n"))
    .digest();
}
