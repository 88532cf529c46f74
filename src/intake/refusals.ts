/**
 * The refusals of one session: each recorded like a delivery, because old programs ignore replies.
 *
 * Promises: one fact a refusal; what only follows from an earlier refusal (503 after a refused MAIL) or from a
 * slip of the hand is not recorded again. Weighed, so that a session cannot be refused for ever.
 */
import { type Reply, replyLine } from "../mail/reply.ts";
import type { Rejected } from "../observe/facts.ts";
import type { IntakeEvents } from "./ports.ts";

/**
 * A session may be refused a hundred times between messages: an old program's list holds many bad recipients.
 * One above limits.recipients weighs a tenth: its client shall send it in the next message, not lose this one.
 */
const WEIGHT_MAX = 1000;
const WEIGHT = 10;
const WEIGHT_OF_OVERSHOOT = 1;

export type Stage = Rejected["stage"];

/** What is known of the message that is refused. */
export type Known = Omit<Rejected, "event" | "stage" | "reply" | "client">;

export class Refusals {
  readonly #events: IntakeEvents;
  readonly #client: string;
  #weight = 0;
  #recorded = false;

  constructor(events: IntakeEvents, client: string) {
    this.#events = events;
    this.#client = client;
  }

  get tooMany(): boolean {
    return this.#weight > WEIGHT_MAX;
  }

  record(stage: Stage, reply: Reply, known: Known = {}): void {
    this.#weight += reply.enhanced === "4.5.3" ? WEIGHT_OF_OVERSHOOT : WEIGHT;
    this.#recorded = true;
    void this.#events.fact({
      event: "rejected",
      stage,
      reply: replyLine(reply),
      client: this.#client,
      ...known,
    });
  }

  /** For a refusal that mostly follows from another. */
  recordUnlessKnown(reply: Reply, known?: Known): void {
    if (this.#recorded) this.#weight += WEIGHT;
    else this.record("command", reply, known);
  }

  /** A message was accepted: what was refused before is history. */
  forget(): void {
    this.#weight = 0;
    this.#recorded = false;
  }
}
