/**
 * One authenticated session with the upstream, and the transactions in it.
 *
 *   open: dns → connect → [tls] → greeting → ehlo → [tls → ehlo] → auth      each address of the host in turn
 *   send: mail → rcpt… → data → body → dot                                   RSET after one that failed
 *
 * Promises: no credential and no message before TLS with a verified certificate, and no message without
 * AUTH; what an upstream does is a value, never an exception; never more than `limits.mailMax` MAIL
 * commands; `delivered` only for a positive reply to the whole message; `inDoubt` when the final dot was
 * said and no reply tells. A body that was handed over is consumed or destroyed.
 * Refuses (by throwing, as bugs): a transaction beyond the limits, or two at once.
 */
import { randomBytes } from "node:crypto";
import type net from "node:net";
import { TLSSocket } from "node:tls";
import type { Address } from "../mail/address.ts";
import type { Envelope } from "../mail/envelope.ts";
import { CAUSE, type Failure, type RecipientResult } from "../schedule/outcome.ts";
import { TRANSACTION_RECIPIENTS } from "../schedule/pace.ts";
import { failed, type Judge } from "../schedule/verdict.ts";
import { discard, type OutgoingMessage, watchedBody } from "./body.ts";
import type { Dialogue } from "./dialogue.ts";
import type { Offer } from "./ehlo.ts";
import { readTranscript } from "./transcript.ts";

const NO_REPLY: Failure = {
  stage: "dot",
  cause: CAUSE.protocol,
  text: "the transaction ended without its reply",
};
const CLOSED: Failure = { stage: "mail", cause: CAUSE.aborted, text: "sluice closed the session" };
/** RFC 3463 §3.2: X.1.3 bad destination mailbox address syntax. */
const CANNOT_SAY: Failure = {
  stage: "rcpt",
  cause: CAUSE.address,
  status: "5.1.3",
  text: "an address with an angle bracket in it cannot be said to the upstream",
};

export interface SessionLimits {
  readonly mailMax: number;
  readonly rcptMax: number;
  readonly sizeBytes?: number;
  readonly eightBitMime: boolean;
  readonly pipelining: boolean;
}

export interface Transaction {
  readonly results: readonly RecipientResult[];
  /** The final dot was said and no reply tells what became of the message. */
  readonly inDoubt: boolean;
  readonly sessionLost: boolean;
}

/** What an opened session is made of. */
export interface SessionParts {
  readonly who: string;
  readonly dialogue: Dialogue;
  readonly offer: Offer;
  readonly mailMax: number;
  readonly judge: Judge;
}

export class Session {
  readonly id = randomBytes(5).toString("hex");
  /** host[ip]:port */
  readonly upstream: string;
  readonly openedAtMs = Date.now();
  /** The EHLO reply that counts, a line each, codes taken off. */
  readonly ehlo: readonly string[];
  readonly limits: SessionLimits;
  /** Protocol and cipher: `TLSv1.3 TLS_AES_256_GCM_SHA384`. */
  readonly tls: string;
  readonly #dialogue: Dialogue;
  readonly #judge: Judge;
  #state: "idle" | "busy" | "closing" = "idle";

  constructor({ who, dialogue, offer, mailMax, judge }: SessionParts) {
    this.upstream = who;
    this.ehlo = offer.lines;
    this.limits = {
      mailMax: Math.min(mailMax, offer.mailMax ?? mailMax),
      rcptMax: Math.min(TRANSACTION_RECIPIENTS, offer.rcptMax ?? TRANSACTION_RECIPIENTS),
      ...(offer.sizeBytes === undefined ? {} : { sizeBytes: offer.sizeBytes }),
      eightBitMime: offer.eightBitMime,
      pipelining: offer.pipelining,
    };
    this.tls = describeTls(dialogue.socket);
    this.#dialogue = dialogue;
    this.#judge = judge;
  }

  /** MAIL commands said so far, failed transactions included. */
  get mails(): number {
    return this.#dialogue.course.mails;
  }

  /** Whether another message may be sent through it now. */
  get usable(): boolean {
    return this.#state === "idle" && this.#dialogue.lost === undefined && this.mails < this.limits.mailMax;
  }

  /** Sends one message to at most `limits.rcptMax` recipients. Never rejects for what an upstream does. */
  async send(envelope: Envelope, message: OutgoingMessage): Promise<Transaction> {
    const { recipients } = envelope;
    const stopped = this.#gone() ?? this.#refuse(message);
    if (stopped !== undefined) {
      discard(message.body);
      const results = recipients.map((recipient) => failed(recipient, stopped, this.#judge));
      return { results, inDoubt: false, sessionLost: !this.#alive };
    }
    this.#assertFree(recipients.length);
    this.#state = "busy";
    try {
      return await this.#transact(envelope, message);
    } finally {
      discard(message.body);
      if (this.#state === "busy") this.#state = "idle";
    }
  }

  /** Says QUIT, waits for the answer a little, closes. In the middle of a transaction it only closes. */
  async quit(): Promise<void> {
    const before = this.#state;
    this.#state = "closing";
    if (before === "idle") await this.#dialogue.quit();
    if (before === "busy") this.#dialogue.lose(CLOSED);
  }

  get #alive(): boolean {
    return this.#dialogue.lost === undefined;
  }

  #assertFree(recipients: number): void {
    const { mailMax, rcptMax } = this.limits;
    if (this.#state !== "idle") throw new Error(`Cannot send as the session is ${this.#state}`);
    if (this.mails >= mailMax) {
      throw new Error(`Cannot send as the session has reached its limit: ${mailMax} messages`);
    }
    if (recipients === 0 || recipients > rcptMax) {
      throw new Error(`Cannot send to ${recipients} recipients at once: 1 to ${rcptMax}`);
    }
  }

  /** The upstream may close a session that waits for work at any time. */
  #gone(): Failure | undefined {
    const { lost } = this.#dialogue;
    if (lost === undefined) return undefined;
    const cause = lost.cause ?? CAUSE.protocol;
    return {
      stage: "mail",
      cause,
      text: `${this.upstream}: the session was lost before the message (${cause})`,
    };
  }

  /** What can be known without asking the upstream: nothing is said then. */
  #refuse({ sizeBytes, eightBit }: OutgoingMessage): Failure | undefined {
    const { sizeBytes: limitBytes, eightBitMime } = this.limits;
    if (limitBytes !== undefined && sizeBytes > limitBytes) {
      // RFC 1870 §6.1; RFC 3463 §3.4: X.3.4 message too big for system
      const text = `the message has ${sizeBytes} bytes, ${this.upstream} takes ${limitBytes}`;
      return { stage: "mail", cause: CAUSE.tooBig, status: "5.3.4", text };
    }
    if (eightBit && !eightBitMime) {
      // RFC 6152 §3; RFC 3463 §3.7: X.6.3 conversion required but not supported
      const text = `the message has 8-bit bytes, ${this.upstream} does not offer 8BITMIME`;
      return { stage: "mail", cause: CAUSE.eightBit, status: "5.6.3", text };
    }
    return undefined;
  }

  async #transact({ sender, recipients }: Envelope, message: OutgoingMessage): Promise<Transaction> {
    const dialogue = this.#dialogue;
    const { course } = dialogue;
    const told = recipients.filter(sayable);
    const judge = this.#judge;
    const unsayable = recipients.filter((recipient) => !sayable(recipient));
    const bad = unsayable.map((recipient) => failed(recipient, CANNOT_SAY, judge));
    if (told.length === 0) return { results: bad, inDoubt: false, sessionLost: false };

    course.begin();
    const body = watchedBody(message, {
      onPiece: () => course.sendingBody(),
      onEnd: () => course.bodySent(),
    });
    body.on("error", () => {}); // told by nodemailer; this one is for what comes after
    const envelope = { from: sender, to: [...told], size: message.sizeBytes, use8BitMime: message.eightBit };
    const sent = await dialogue.step((done, connection) => connection.send(envelope, body, done));
    const ending = sent.ok ? NO_REPLY : sent.failure;
    const { results, unanswered } = readTranscript(told, {
      who: this.upstream,
      heard: course.heard,
      ending,
      judge,
    });
    const inDoubt = unanswered && course.dotSaid;
    const midBody = unanswered || course.heard.some(({ stage }) => stage === "body");
    body.destroy();

    // in the middle of a message, whatever is said next would be part of it
    if (midBody) dialogue.lose(ending);
    else if (!sent.ok) await this.#reset();
    return { results: [...results, ...bad], inDoubt, sessionLost: !this.#alive };
  }

  /** RFC 5321 §4.1.1.5: leaves the failed transaction; a session that refuses that is of no use. */
  async #reset(): Promise<void> {
    const reset = await this.#dialogue.step((done, connection) => connection.reset(done));
    if (!reset.ok) this.#dialogue.lose(reset.failure);
  }
}

/** nodemailer refuses the whole envelope for an angle bracket, which a quoted local part may hold. */
function sayable(address: Address): boolean {
  return !/[<>]/.test(address);
}

function describeTls(socket: net.Socket | undefined): string {
  return socket instanceof TLSSocket ? `${socket.getProtocol()} ${socket.getCipher().name}` : "none";
}
