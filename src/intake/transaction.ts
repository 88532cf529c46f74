/**
 * One message on its way in: from MAIL to the reply after the final dot, or to the client's disappearance.
 *
 *     envelope ──DATA──▶ head ──decided──▶ body ──dot──▶ committing ──▶ over
 *                         │                  │
 *                         └──▶ draining ◀────┘           (refused: read on, keep nothing, answer at the dot)
 *                                 └──dot──▶ over
 *     any but committing ──client gone, cut, RSET──▶ over, with nothing kept
 *
 * Promises: 250 only after custody has the message (P1); what is refused or cut off leaves nothing (P2); its
 * bytes are paid from the upload budget and given back on every way out; nothing but `Custody.accept` happens
 * between the final dot and the reply.
 */
import type { Address } from "../mail/address.ts";
import { MessageReader } from "../mail/reader.ts";
import type { Reply } from "../mail/reply.ts";
import { crashPoint } from "../observe/crash-point.ts";
import type { Accepted, Held } from "../observe/facts.ts";
import type { SpoolEntry } from "../spool/entry.ts";
import { acceptedFacts } from "./accepted-facts.ts";
import type { Progress } from "./deadlines.ts";
import { type DecidedEntry, decideMessage, type Submission } from "./decision.ts";
import { saidInHead } from "./head-facts.ts";
import type { IntakePorts, IntakeSettings } from "./ports.ts";
import { RecipientList } from "./recipient-list.ts";
import type { Known } from "./refusals.ts";
import { internalError, malformed, queued, spoolFailed, tooBig, uploadsFull } from "./replies.ts";
import { Upload, type UploadBudget } from "./upload-budget.ts";

type State =
  | { readonly kind: "envelope" }
  | { readonly kind: "head" }
  | { readonly kind: "body"; readonly entry: DecidedEntry; readonly headSizeBytes: number }
  /** `reply` is asked at the dot, when the whole size is known. */
  | { readonly kind: "draining"; readonly reply: () => Reply }
  | { readonly kind: "committing" }
  | { readonly kind: "over" };

const WAYS: Readonly<Record<State["kind"], readonly State["kind"][]>> = {
  envelope: ["head", "over"],
  head: ["body", "draining", "over"],
  body: ["committing", "draining", "over"],
  draining: ["over"],
  committing: ["over"],
  over: [],
};

export type Outcome =
  | { readonly accepted: true; readonly reply: Reply; readonly facts: readonly (Accepted | Held)[] }
  | { readonly accepted: false; readonly reply: Reply };

export interface TransactionStart {
  readonly ports: IntakePorts;
  readonly settings: IntakeSettings;
  readonly budget: UploadBudget;
  readonly client: Submission["client"];
  /** Qualified; null for MAIL FROM:<>. */
  readonly sender: Address | null;
  /** In the client's words, `<>` included. */
  readonly said: string;
}

export class Transaction {
  readonly recipients: RecipientList;
  readonly #start: TransactionStart;
  readonly #upload: Upload;
  readonly #reader = new MessageReader();
  #state: State = { kind: "envelope" };
  readonly #sinceMs: number;
  #dataSinceMs = 0;
  /** When the final dot was heard. */
  #dotMs = 0;
  #receivedBytes = 0;
  #bodyBytes = 0;
  #decided: Pick<Known, "from" | "id" | "rule" | "messageId" | "subject"> = {};

  constructor(start: TransactionStart) {
    this.#start = start;
    this.#upload = new Upload(start.budget);
    this.recipients = new RecipientList(start.settings);
    this.#sinceMs = start.ports.clocks.monotonicMs();
  }

  get saidSender(): string {
    return this.#start.said;
  }

  /** Whether the client is sending the message, or waits for our word on it. */
  get inData(): boolean {
    return this.#state.kind !== "envelope" && this.#state.kind !== "over";
  }

  /** When it began and how its data comes, for the deadlines. */
  progress(): Pick<Progress, "transactionSinceMs" | "data"> {
    const data = { sinceMs: this.#dataSinceMs, bytes: this.#receivedBytes };
    return { transactionSinceMs: this.#sinceMs, ...(this.inData ? { data } : {}) };
  }

  /** Whether it is our turn: the client can do nothing but wait. */
  get committing(): boolean {
    return this.#state.kind === "committing";
  }

  known(): Known {
    return {
      sender: this.#start.said,
      recipients: this.recipients.said,
      ...this.#decided,
      ...(this.#receivedBytes > 0 ? { sizeBytes: this.#receivedBytes } : {}),
    };
  }

  /** DATA was said and answered with 354. */
  beginData(): void {
    this.#enter({ kind: "head" });
    this.#dataSinceMs = this.#start.ports.clocks.monotonicMs();
  }

  /** Takes bytes of the message, dots unstuffed. `cut`: the client goes on and on, hang up. */
  push(chunk: Buffer): "more" | "cut" {
    if (this.#state.kind === "over") return "more";
    this.#receivedBytes += chunk.length;
    this.#take(this.#reader.push(chunk));
    const limitBytes = this.#start.settings.limits.messageSizeBytes;
    return this.#state.kind === "draining" && this.#receivedBytes > 2 * limitBytes ? "cut" : "more";
  }

  /** The final dot came: takes custody, or says why not; undefined when the client gave up before. */
  async finish(): Promise<Outcome | undefined> {
    if (this.#state.kind === "over") return undefined;
    this.#dotMs = this.#start.ports.clocks.monotonicMs();
    this.#take(this.#reader.end());
    const state = this.#state;
    if (state.kind === "draining") {
      this.#enter({ kind: "over" });
      return { accepted: false, reply: state.reply() };
    }
    if (state.kind !== "body") throw new Error(`Cannot finish a message that is ${state.kind}`);
    this.#enter({ kind: "committing" });
    const { ports } = this.#start;
    const entry: SpoolEntry = {
      ...state.entry,
      timeMs: ports.clocks.wallMs(),
      eightBit: this.#reader.hasEightBit,
    };
    try {
      await ports.custody.accept(entry, this.#upload.chunks());
      crashPoint("custody");
      return {
        accepted: true,
        reply: queued(entry.id),
        facts: acceptedFacts(entry, this.#upload.sizeBytes, this.#decided.subject),
      };
    } catch (error) {
      ports.events.report("trouble", { part: "spool", id: entry.id, reason: String(error) }, "error");
      return { accepted: false, reply: spoolFailed(error) };
    } finally {
      this.#enter({ kind: "over" });
    }
  }

  /** 250 is said: tells how long its client waited for it. */
  replied(): void {
    const { clocks, onReplied } = this.#start.ports;
    onReplied?.(clocks.monotonicMs() - this.#dotMs);
  }

  /** Our own fault: the message is refused for now, at its dot. */
  fail(): void {
    if (this.#state.kind === "head" || this.#state.kind === "body") this.#refuse(() => internalError);
  }

  /** What a client that must be cut off is told. */
  refusal(): Reply {
    return this.#state.kind === "draining" ? this.#state.reply() : internalError;
  }

  /** The client is gone or gave up. A message that is being committed stays: its dot was heard. */
  abort(): void {
    if (this.#state.kind !== "committing" && this.#state.kind !== "over") this.#enter({ kind: "over" });
  }

  #take(bodyPieces: readonly Buffer[]): void {
    if (this.#state.kind === "head") this.#decide();
    for (const piece of bodyPieces) {
      this.#bodyBytes += piece.length;
      if (this.#state.kind === "body") this.#keep(this.#state, piece);
    }
  }

  /** Decides as soon as the head is there. */
  #decide(): void {
    const read = this.#reader.head;
    if (read.kind === "reading") return;
    if (read.kind === "refused") {
      this.#refuse(() => malformed(read.problem));
      return;
    }
    const { ports, settings, client, sender, said } = this.#start;
    const inHead = saidInHead(read.head, settings);
    const id = ports.custody.newId();
    const decision = decideMessage(
      settings,
      {
        id,
        time: new Date(ports.clocks.wallMs()),
        client,
        sender,
        recipients: this.recipients.addresses,
        said: { sender: sender === null ? null : said, recipients: this.recipients.said },
      },
      read.head,
    );
    if (decision.action === "refuse") {
      const { reply, from, rule } = decision;
      this.#decided = {
        ...inHead,
        ...(from === undefined ? {} : { from }),
        ...(rule === undefined ? {} : { rule }),
      };
      this.#refuse(() => reply);
      return;
    }
    const { entry, headBytes } = decision;
    this.#decided = { ...inHead, from: entry.received.from, id, rule: entry.rule };
    const body = { kind: "body", entry, headSizeBytes: headBytes.length } as const;
    this.#enter(body);
    this.#keep(body, headBytes);
  }

  #keep(state: State & { kind: "body" }, bytes: Buffer): void {
    const limitBytes = this.#start.settings.limits.messageSizeBytes;
    // What counts is what goes out: the edited head and the body with its line ends made CRLF.
    const sizeBytes = () => state.headSizeBytes + this.#bodyBytes;
    if (sizeBytes() >= limitBytes) this.#refuse(() => tooBig({ sizeBytes: sizeBytes(), limitBytes }));
    else if (!this.#upload.add(bytes)) this.#refuse(() => uploadsFull);
  }

  #refuse(reply: () => Reply): void {
    this.#enter({ kind: "draining", reply });
  }

  #enter(next: State): void {
    if (!WAYS[this.#state.kind].includes(next.kind)) {
      throw new Error(`Cannot turn a message from ${this.#state.kind} to ${next.kind}`);
    }
    this.#state = next;
    if (next.kind === "draining" || next.kind === "over") this.#upload.free();
  }
}
