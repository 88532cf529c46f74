/**
 * One SMTP session as the relay service holds it: what is said in answer to each command, and the faults that
 * were asked for.
 *
 * Promises: no mail before TLS, none before AUTH; a session's 101st MAIL gets 421, failed ones counted.
 * The greeting comes at once: smtp-server's own pause of 100 ms would make every client's test slow.
 * Bounds: `hang` ends after 15 minutes. What follows DATA is message.ts.
 */
import { setTimeout as wait } from "node:timers/promises";
import { TLSSocket } from "node:tls";
import type { SMTPServer, SMTPServerAuthentication, SMTPServerDataStream } from "smtp-server";
import { SMTPConnection, type SMTPConnectionOptions } from "smtp-server/lib/smtp-connection.js";
import { type FaultAction, type FaultStage, MAX_DELAY_MS } from "./faults.ts";
import { type Answer, HOUR_IS_FULL, type House, type SessionRecord, tooBig } from "./house.ts";
import { takeMessage } from "./message.ts";
import { isSameSecret } from "./password.ts";
import { isKnownEnvelope } from "./senders.ts";

type Socket = SMTPConnection["_socket"];

export class Dialog extends SMTPConnection {
  readonly record: SessionRecord;
  readonly #house: House;
  /** The TLS socket as soon as there is one, even during its handshake: cutting beneath it crashes Node. */
  #top: Socket;
  #hidesStarttls = false;

  constructor(
    server: SMTPServer,
    socket: Socket,
    options: SMTPConnectionOptions | null | undefined,
    house: House,
  ) {
    super(server, socket, options);
    this.#house = house;
    this.#top = socket;
    this.record = { id: this.id, tls: "", cipher: "", mails: 0, authenticated: false, quit: false };
  }

  /** Cuts the connection. */
  drop(): void {
    this.#top.destroy();
  }

  /** Notes that TLS stands. */
  secured(socket: Socket): void {
    if (!(socket instanceof TLSSocket)) return;
    this.record.tls = socket.getProtocol() ?? "";
    this.record.cipher = socket.getCipher()?.name ?? "";
  }

  /** Whether these are the right credentials. */
  authenticate({ username, password }: SMTPServerAuthentication): boolean {
    const isRight = isSameSecret(
      `${username}\0${password}`,
      `${this.#house.username}\0${this.#house.password}`,
    );
    this.record.authenticated ||= isRight;
    return isRight;
  }

  /** Why MAIL may not name this sender, if so. `sizeBytes` is the SIZE parameter, RFC 1870 §6.1. */
  refuseSender(sender: string, sizeBytes: number): Answer | undefined {
    const { pairs, tooBigBytes, hour, now } = this.#house;
    if (sizeBytes >= tooBigBytes) return tooBig(this.#house, sizeBytes);
    if (!isKnownEnvelope(pairs, sender)) {
      return { code: 550, text: `5.7.1 <${sender}> is not a known envelope sender of this account` };
    }
    return hour?.isFull(now().getTime()) ? HOUR_IS_FULL : undefined;
  }

  /** Takes the message of this transaction; undefined when no reply is to be given. */
  receive(stream: SMTPServerDataStream): Promise<Answer | undefined> {
    const [sender = "", ...recipients] = this.#addresses();
    const suffer = (fault: FaultAction) => this.#suffer(fault);
    return takeMessage(this.#house, { session: this.id, sender, recipients, suffer }, stream);
  }

  override init(): void {
    this._setListeners(() => this.#stage("greeting", [], () => this.connectionReady()));
  }

  override _armTimeout(socket: Socket = this._socket): void {
    this.#top = socket;
    super._armTimeout(socket);
  }

  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    if (code >= 400) this.#house.log(`session ${this.id}: ${code} ${data}`);
    // Only the reply to EHLO has several lines.
    super.send(code, Array.isArray(data) ? this.#extensions(data) : data, context);
  }

  override upgrade(callback: () => void, secureCallback?: () => void): void {
    const fault = this.#house.faults.next("tls");
    if (fault) void this.#suffer(fault);
    else super.upgrade(callback, secureCallback);
  }

  override handler_EHLO(line: Buffer, next: () => void): void {
    this.#stage("ehlo", [], () => super.handler_EHLO(line, next), next);
  }

  override handler_HELO(line: Buffer, next: () => void): void {
    this.#stage("ehlo", [], () => super.handler_HELO(line, next), next);
  }

  override handler_STARTTLS(line: Buffer, next: () => void): void {
    if (this.#hidesStarttls) this.#refuse(502, "5.5.1 STARTTLS is not offered", next);
    else this.#stage("starttls", [], () => super.handler_STARTTLS(line, next), next);
  }

  override handler_AUTH(line: Buffer, next: () => void): void {
    // RFC 3207 §4: what a server that demands TLS says to everything else.
    if (!this.secure) this.#refuse(530, "5.7.0 Must issue a STARTTLS command first", next);
    else this.#stage("auth", [], () => super.handler_AUTH(line, next), next);
  }

  override handler_MAIL(line: Buffer, next: () => void): void {
    this.record.mails += 1;
    const most = this.#house.messagesPerSession;
    const parsed = this._parseAddressCommand("mail from", line);
    if (this.record.mails > most) this.#refuse(421, `4.7.0 ${most} messages is the limit of a session`, next);
    else this.#stage("mail", parsed ? [parsed.address] : [], () => super.handler_MAIL(line, next), next);
  }

  override handler_RCPT(line: Buffer, next: () => void): void {
    const parsed = this._parseAddressCommand("rcpt to", line);
    this.#stage("rcpt", parsed ? [parsed.address] : [], () => super.handler_RCPT(line, next), next);
  }

  override handler_DATA(line: Buffer, next: () => void): void {
    this.#stage("data", this.#addresses(), () => super.handler_DATA(line, next), next);
  }

  override handler_QUIT(line: Buffer, next: () => void): void {
    this.record.quit = true;
    super.handler_QUIT(line, next);
  }

  #refuse(code: number, text: string, next: () => void): void {
    this.send(code, text); // closes after 421
    next();
  }

  /** Goes on with the dialog, unless a rule has it otherwise. `refused` follows a reply; without it we hang up. */
  #stage(
    stage: FaultStage,
    addresses: readonly string[],
    go: () => void,
    refused = () => this.close(),
  ): void {
    const fault = this.#house.faults.next(stage, addresses);
    if (!fault) go();
    else if (fault.kind === "reply") this.#refuse(fault.code, fault.text, refused);
    else void this.#suffer(fault).then((state) => state === "goes on" && go());
  }

  /** Cuts, hangs or waits; "over" when nobody is there any more. */
  async #suffer(fault: FaultAction): Promise<"goes on" | "over"> {
    if (fault.kind === "hang") await wait(MAX_DELAY_MS, undefined, { ref: false });
    if (fault.kind === "delay") await wait(fault.delayMs, undefined, { ref: false });
    else this.drop();
    return this.#top.destroyed ? "over" : "goes on";
  }

  /** The lines of the reply to EHLO, as this house has them. */
  #extensions(lines: string[]): string[] {
    const { faults, tooBigBytes, announcedMailMax } = this.#house;
    this.#hidesStarttls = !this.secure && faults.strips("starttls");
    // RFC 4954 §4: plaintext mechanisms are not offered before TLS.
    const hidesAuth = !this.secure || faults.strips("auth");
    const shown = lines.filter(
      (line) => !(line === "STARTTLS" && this.#hidesStarttls) && !(line.startsWith("AUTH ") && hidesAuth),
    );
    shown.push(`SIZE ${tooBigBytes - 1}`); // RFC 1870 §4
    if (announcedMailMax !== undefined) shown.push(`LIMITS MAILMAX=${announcedMailMax}`); // RFC 9422 §4
    return shown;
  }

  /** Of the transaction in hand: the envelope sender, then the recipients. */
  #addresses(): [string, ...string[]] {
    const { mailFrom, rcptTo } = this.session.envelope;
    return [mailFrom ? mailFrom.address : "", ...rcptTo.map(({ address }) => address)];
  }
}
