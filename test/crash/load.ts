/**
 * Load for the crash suite: clients that submit one message after the other, of any size, to one or two recipients,
 * and now and then as nobody should: from a stranger, or going away in the middle.
 *
 * Promises: every submission is in the journal when `stop` resolves. Refuses to run ahead: while too many messages are
 * on their way the clients wait, so that each cycle has both halves at work however slow the machine is.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Arrival, Submission } from "../support/oracle.ts";
import { type Letter, submitted } from "./journals.ts";

const CLIENTS = 4;
const MAX_ON_THEIR_WAY = 300;
const MAX_BODY_BYTES = 50_000;
const LINE_BYTES = 54; // base64 makes 72 of them

/** Now and then it is busy: rules for the simulator. */
export const LATER = "later@example.org";
export const LATER_IS_BUSY = `rcpt:${LATER}%3=450 4.2.1 busy`;

export class Load {
  readonly submissions: Submission[] = [];
  readonly arrivals: Arrival[] = [];
  readonly #onTheirWay = new Set<string>();
  readonly #arrived = new Set<string>();
  #next = 0;
  #stopping = false;
  #clients: Promise<void>[] = [];

  /** The sink got a message. */
  arrived(arrival: Arrival): void {
    this.arrivals.push(arrival);
    this.#arrived.add(arrival.id);
    this.#onTheirWay.delete(arrival.id);
  }

  start(port: number): void {
    this.#stopping = false;
    this.#clients = Array.from({ length: CLIENTS }, () => this.#client(port));
  }

  /** Resolves when every client has seen what became of its last message. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#clients);
  }

  async #client(port: number): Promise<void> {
    while (!this.#stopping) {
      if (this.#onTheirWay.size >= MAX_ON_THEIR_WAY) {
        await sleep(10);
        continue;
      }
      const submission = await submitted(port, letter(`m${this.#next++}`));
      this.submissions.push(submission);
      const waits = submission.saw === "accepted" && !this.#arrived.has(submission.id);
      if (waits) this.#onTheirWay.add(submission.id);
      // Nobody listens, it seems: the agent is gone, and the test will say so soon.
      if (submission.saw === "unknown" || submission.saw === "never finished") await sleep(10);
    }
  }
}

function letter(id: string): Letter {
  const chance = Math.random();
  const body = bodyOf(Math.random() * MAX_BODY_BYTES);
  if (chance < 0.03) return { id, body, from: "stranger@elsewhere.example" };
  if (chance < 0.06) return { id, body, cutOff: true };
  if (chance < 0.2) return { id, body, recipients: ["bob@example.org", LATER] };
  return { id, body };
}

/** Lines that nobody has seen before, some of which begin with a dot. */
function bodyOf(sizeBytes: number): string {
  let body = "";
  while (body.length < sizeBytes) {
    const line = randomBytes(LINE_BYTES).toString("base64");
    body += `${Math.random() < 0.05 ? "." : ""}${line}\r\n`;
  }
  return body === "" ? "\r\n" : body;
}
