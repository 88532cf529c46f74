/**
 * One session: smtp-server's connection, with what it leaves open closed (docs/decisions/003).
 *
 * Ours: the greeting at once, MAIL and RCPT in our own grammar, the words and codes of replies, the tie
 * between a message and its socket, deadlines, the record of every refusal. The library's: the socket, lines,
 * HELO and EHLO, dots and the end of DATA (on CRLF.CRLF only), pipelining, back-pressure.
 * Refuses what is no mail session with 421 and closes.
 */
import type { Socket } from "node:net";
import type { SMTPServer, SMTPServerDataStream } from "smtp-server";
import { SMTPConnection } from "smtp-server/lib/smtp-connection.js";
import { type Reply, replyText } from "../mail/reply.ts";
import { readMail, readRcpt } from "./commands.ts";
import { type Deadlines, overdue } from "./deadlines.ts";
import { answerHalfOpen } from "./half-open.ts";
import type { IntakePorts, IntakeSettings } from "./ports.ts";
import { foreignCommand, foreignStart } from "./protocol-filter.ts";
import { receiveMessage } from "./reception.ts";
import { type Known, Refusals, type Stage } from "./refusals.ts";
import {
  foreignProtocol,
  idleTooLong,
  inOurWords,
  internalError,
  noRoom,
  outOfOrder,
  senderOk,
  shuttingDown,
} from "./replies.ts";
import type { Submitters } from "./submitter.ts";
import { type Outcome, Transaction, type TransactionStart } from "./transaction.ts";
import type { UploadBudget } from "./upload-budget.ts";

export interface ConnectionParts {
  readonly ports: IntakePorts;
  readonly budget: UploadBudget;
  readonly deadlines: Deadlines;
  readonly submitters: Pick<Submitters, "userOf">;
}

type Mail = Pick<TransactionStart, "sender" | "said">;
type OnDataDone = (error?: Error | null, message?: string) => void;

export class IntakeConnection extends SMTPConnection {
  readonly #parts: ConnectionParts;
  /** The local user whose program it is, looked up while the session begins. */
  readonly #user: Promise<string | undefined>;
  readonly #refusals: Refusals;
  #transaction: Transaction | undefined;
  /** Of the greeting or the last message, whichever is later. */
  #waitingSinceMs: number;
  #stopping = false;

  constructor(server: SMTPServer, socket: Socket, parts: ConnectionParts) {
    super(server, socket);
    this.#parts = parts;
    this.#user = parts.submitters.userOf(socket);
    this.#refusals = new Refusals(parts.ports.events, { ip: this.remoteAddress, user: this.#user });
    this.#waitingSinceMs = parts.ports.clocks.monotonicMs();
    // The client has said all it had to say (its FIN) and all of it is answered: we close, too.
    if (this._parser) this._parser.once("finish", () => this.close());
    // A reset, say: 'close' follows and ends the message. Unheard, 'error' would end the process.
    this.on("error", () => {});
  }

  /** Ends the session when the client took too long. */
  enforceDeadlines(): void {
    const transaction = this.#transaction;
    if (transaction?.committing) return; // the client waits for us
    const { deadlines, ports } = this.#parts;
    const progress = { waitingSinceMs: this.#waitingSinceMs, ...transaction?.progress() };
    const reply = overdue(deadlines, progress, ports.clocks.monotonicMs());
    if (reply !== undefined) this.#hangUp(reply);
  }

  /** Ends the session: at once, or after the message that is on its way in. */
  shutDown(): void {
    this.#stopping = true;
    if (!this.#transaction?.inData) this.#hangUp(shuttingDown);
  }

  /** Ends the session whatever it does. */
  cutOff(): void {
    this.#hangUp(shuttingDown);
  }

  /** The server's `onData`: the message as a stream, dots unstuffed; its 'end' is the final dot. */
  receive(stream: SMTPServerDataStream, done: OnDataDone): void {
    const transaction = this.#transaction;
    if (transaction === undefined) throw new Error("Cannot receive a message as there is no transaction");
    const outcome = receiveMessage(stream, transaction, {
      cut: () => this.#hangUp(transaction.refusal()),
      trouble: (error) => this.#trouble(error),
    });
    void outcome.then((decided) => this.#answerData(transaction, decided, done));
  }

  // What the library calls.

  override init(): void {
    this._socket.once("data", (first: Buffer) => {
      const what = foreignStart(first[0] ?? 0);
      if (what !== undefined) this.#refuse("connect", foreignProtocol(what));
    });
    // No pause for "early talkers": old programs are, and a session per message would cost 100 ms each.
    this._setListeners(() => this.connectionReady());
  }

  override _onCommand(command: Buffer, callback?: () => void): void {
    const what = foreignCommand(command);
    if (this.#stopping) this.#hangUp(shuttingDown);
    else if (what !== undefined) this.#refuse("command", foreignProtocol(what));
    else super._onCommand(command, callback);
  }

  /** The one place where replies leave: the library's own words become ours, with an enhanced code. */
  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    const ours = typeof data === "string" ? inOurWords(data) : undefined;
    if (ours === undefined) this.#write(code, data, context);
    else if (ours === idleTooLong) this.#hangUp(ours);
    else if (ours.code === 421) this.#refuse("command", ours);
    else if (ours.code >= 400) this.#refuseOutOfTurn(ours);
    else this.#say(ours);
  }

  override handler_MAIL(command: Buffer, callback: () => void): void {
    // Waited for here, so that each message and each refusal can say whose it is: a client may be gone right after it.
    void this.#user.then((user) => {
      if (this._closing || this._closed) return;
      this.#guard(() => this.#mail(command, user));
      callback();
    });
  }

  override handler_RCPT(command: Buffer, callback: () => void): void {
    this.#guard(() => this.#rcpt(command));
    callback();
  }

  override handler_DATA(command: Buffer, callback: () => void): void {
    const recipients = this.#transaction?.recipients.size;
    // The library forgets the rest of a chunk in which one message's end is followed, in the same turn, by another's.
    if (recipients) super.handler_DATA(command, () => queueMicrotask(callback));
    else {
      const missing = recipients === undefined ? "say MAIL FROM and RCPT TO first" : "no valid recipients";
      this.#refuseOutOfTurn(outOfOrder(missing));
      callback();
    }
  }

  /** RSET, HELO, EHLO, and the end of a message. */
  override _resetSession(): void {
    this.#forget();
    super._resetSession();
  }

  override _onClose(): void {
    super._onClose();
    this.#forget();
  }

  // What is ours.

  #mail(command: Buffer, user: string | undefined): void {
    if (this.#transaction === undefined) {
      const settings = this.#parts.ports.settings();
      const read = readMail(command, settings);
      const reply = read.ok ? this.#begin(settings, read, user) : read.reply;
      this.#answer("mail", reply, { sender: read.said });
    } else this.#refuseOutOfTurn(outOfOrder("a message is begun already; finish it or say RSET"));
  }

  #rcpt(command: Buffer): void {
    const transaction = this.#transaction;
    if (transaction !== undefined) {
      const read = readRcpt(command);
      const reply = read.ok ? transaction.recipients.add(read.path) : read.reply;
      this.#answer("rcpt", reply, { sender: transaction.saidSender, recipients: [read.said] });
      // The library's DATA wants to see a recipient; who they are is the transaction's to know.
      if (transaction.recipients.size > 0) this.session.envelope.rcptTo = [{ address: "", args: false }];
    } else this.#refuseOutOfTurn(outOfOrder("say MAIL FROM first"));
  }

  #begin(settings: IntakeSettings, mail: Mail, user: string | undefined): Reply {
    const { ports, budget } = this.#parts;
    const room = ports.custody.room();
    if (!room.ok) return noRoom(room.reason);
    const client = {
      ip: this.remoteAddress,
      helo: this.hostNameAppearsAs || "",
      protocol: this.openingCommand === "EHLO" ? "ESMTP" : "SMTP",
      ...(user === undefined ? {} : { user }),
    } as const;
    this.#transaction = new Transaction({ ports, settings, budget, client, ...mail });
    return senderOk;
  }

  #answerData(transaction: Transaction, outcome: Outcome | undefined, done: OnDataDone): void {
    if (outcome === undefined) return; // the client is gone
    this.#waitingSinceMs = this.#parts.ports.clocks.monotonicMs();
    const { reply } = outcome;
    if (outcome.accepted) {
      this.#refusals.forget();
      for (const fact of outcome.facts) void this.#parts.ports.events.fact(fact);
      done(null, replyText(reply));
      transaction.replied();
    } else {
      this.#refusals.record("data", reply, transaction.known());
      done(Object.assign(new Error(replyText(reply)), { responseCode: reply.code }));
    }
    if (this.#stopping) this.#hangUp(shuttingDown);
  }

  #answer(stage: Stage, reply: Reply, known: Known): void {
    if (reply.code < 400) this.#say(reply);
    else this.#refuse(stage, reply, known);
  }

  /** Says no, and records it. */
  #refuse(stage: Stage, reply: Reply, known: Known | undefined = this.#transaction?.known()): void {
    this.#say(this.#refusals.record(stage, reply, known));
  }

  #refuseOutOfTurn(reply: Reply): void {
    this.#say(this.#refusals.recordUnlessKnown(reply, this.#transaction?.known()));
  }

  /** Ends the session with `reply`: a refusal when it takes a message with it. */
  #hangUp(reply: Reply): void {
    if (this._closing || this._closed) return;
    const transaction = this.#transaction;
    if (transaction !== undefined && !transaction.committing) {
      this.#refusals.record(transaction.inData ? "data" : "mail", reply, transaction.known());
    }
    this.#say(reply);
    this.close();
    this.#forget();
  }

  #say(reply: Reply): void {
    this.#write(reply.code, replyText(reply), false);
  }

  #write(code: number, text?: string | string[] | null, context?: string | false): void {
    answerHalfOpen(this._socket, code, text);
    super.send(code, text, context);
  }

  /** A bug of ours must cost one command, and be seen; the library would swallow it. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#trouble(error);
      this.#refuse("command", internalError);
    }
  }

  #trouble(error: unknown): void {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#parts.ports.events.report("trouble", { part: "intake", reason }, "error");
  }

  #forget(): void {
    this.#transaction?.abort();
    this.#transaction = undefined;
  }
}
