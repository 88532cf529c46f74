/**
 * Where a dialogue with the upstream stands: what was said, what was heard, which reply is awaited.
 *
 *   said(MAIL) said(RCPT) said(DATA)    awaiting: mail rcpt data        pipelined or not, RFC 2920 §3.1
 *   heard, heard, heard                 awaiting: –
 *   sendingBody…, bodySent              stage body, then awaiting: dot
 *   heard                               awaiting: –
 *
 * It is told each command as it is written and each whole reply as it is taken up.
 *
 * Promises: `onStage` hears of each stage as its reply becomes the one that is waited for, and of `idle`.
 * Refuses to take a reply for the final dot when its bytes came before the dot; keeps nothing of AUTH.
 */
import type { Stage, UpstreamReply } from "../schedule/outcome.ts";
import type { Heard } from "./transcript.ts";

export const REPLY_LIMIT_BYTES = 64 * 1024;
const REPLY_LINE_BYTES = 512; // RFC 5321 §4.5.3.1.5

const STAGE_OF: readonly (readonly [RegExp, Stage])[] = [
  [/^EHLO /, "ehlo"],
  [/^STARTTLS$/, "tls"],
  [/^MAIL FROM:/, "mail"],
  [/^RCPT TO:/, "rcpt"],
  [/^DATA$/, "data"],
  [/^\.$/, "dot"], // nodemailer ends a transaction that has no recipient
  [/^(RSET|QUIT)$/, "mail"],
];

export class Course {
  readonly #onStage: (stage: Stage | "idle") => void;
  #stage: Stage = "greeting";
  #awaiting: Stage[] = [];
  #heard: Heard[] = [];
  #mails = 0;
  #dotSaid = false;
  #bytesSinceReply = 0;
  #bytesSinceDot = 0;

  constructor(onStage: (stage: Stage | "idle") => void) {
    this.#onStage = onStage;
  }

  /** The stage whose reply is awaited, or was last. */
  get stage(): Stage {
    return this.#stage;
  }

  /** MAIL commands said so far. */
  get mails(): number {
    return this.#mails;
  }

  /** Replies heard since `begin`. */
  get heard(): readonly Heard[] {
    return this.#heard;
  }

  /** Whether the last byte of the message was given to the connection since `begin`. */
  get dotSaid(): boolean {
    return this.#dotSaid;
  }

  /** A transaction begins: what was heard before does not belong to it. */
  begin(): void {
    this.#heard = [];
    this.#dotSaid = false;
  }

  connected(): void {
    this.#await("greeting");
  }

  /** A command was written. What is none that we know belongs to AUTH. */
  said(command: string): void {
    const stage = STAGE_OF.find(([pattern]) => pattern.test(command))?.[1] ?? "auth";
    if (command.startsWith("MAIL FROM:")) this.#mails++;
    this.#await(stage);
  }

  /** A piece of the message is about to be taken: the upstream has read what came before it. */
  sendingBody(): void {
    if (this.#awaiting.length === 0) this.#enter("body");
  }

  bodySent(): void {
    this.#dotSaid = true;
    this.#bytesSinceDot = 0;
    this.#await("dot");
  }

  /** Bytes came in. False when they are more than the awaited replies may have. */
  arrived(bytes: number): boolean {
    this.#bytesSinceReply += bytes;
    this.#bytesSinceDot += bytes;
    return this.#bytesSinceReply <= REPLY_LIMIT_BYTES + this.#awaiting.length * REPLY_LINE_BYTES;
  }

  replied(reply: UpstreamReply): void {
    const awaited = this.#awaiting.shift() ?? this.#stage;
    const early = awaited === "dot" && this.#dotSaid && this.#bytesSinceDot === 0;
    this.#heard.push({ stage: early ? "body" : awaited, reply });
    this.#bytesSinceReply = 0;
    const [next] = this.#awaiting;
    if (next !== undefined) this.#enter(next);
    else if (awaited === "tls")
      this.#enter("tls"); // the handshake follows
    else this.#onStage("idle");
  }

  #await(stage: Stage): void {
    this.#awaiting.push(stage);
    if (this.#awaiting.length === 1) this.#enter(stage);
  }

  #enter(stage: Stage): void {
    this.#stage = stage;
    this.#onStage(stage);
  }
}
