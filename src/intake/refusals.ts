/**
 * The refusals of one session: each recorded like a delivery, because old programs ignore replies.
 *
 * Promises: one fact a refusal; what only follows from an earlier refusal (503 after a refused MAIL) or from a
 * slip of the hand is not recorded again. Weighed, so that a session cannot be refused for ever.
 */
import { type Reply, replyLine } from "../mail/reply.ts";
import type { Rejected } from "../observe/facts.ts";
import type { IntakeEvents } from "./ports.ts";
import { tooManyErrors } from "./replies.ts";

/**
 * A session may be refused a hundred times between messages: an old program's list holds many bad recipients.
 * One above limits.recipients weighs a tenth: its client shall send it in the next message, not lose this one.
 */
const WEIGHT_MAX = 1000;
const WEIGHT = 10;
const WEIGHT_OF_OVERSHOOT = 1;

export type Stage = Rejected["stage"];

/** What is known of the message that is refused. */
export type Known = Omit<Rejected, "event" | "stage" | "reply" | "client" | "user">;

/** Who is refused: the client's address, and its local user as soon as that is known. */
export interface RefusedClient {
  readonly ip: string;
  readonly user: Promise<string | undefined>;
}

/** Tells log and journal of a refusal: when the user is known, which is soon, and before the session's next message. */
export async function recordRefusal(
  events: IntakeEvents,
  { ip, user }: RefusedClient,
  refusal: Known & { readonly stage: Stage; readonly reply: Reply },
): Promise<void> {
  const { stage, reply, ...known } = refusal;
  const name = await user;
  const from = { client: ip, ...(name === undefined ? {} : { user: name }) };
  await events.fact({ event: "rejected", stage, reply: replyLine(reply), ...from, ...known });
}

export class Refusals {
  readonly #events: IntakeEvents;
  readonly #client: RefusedClient;
  #weight = 0;
  #recorded = false;

  constructor(events: IntakeEvents, client: RefusedClient) {
    this.#events = events;
    this.#client = client;
  }

  /** Gives what the client shall be told: `reply`, or that it was refused too often. */
  record(stage: Stage, reply: Reply, known: Known = {}): Reply {
    this.#weight += reply.enhanced === "4.5.3" ? WEIGHT_OF_OVERSHOOT : WEIGHT;
    this.#recorded = true;
    void recordRefusal(this.#events, this.#client, { stage, reply, ...known });
    return this.#told(reply);
  }

  /** For a refusal that mostly follows from another. */
  recordUnlessKnown(reply: Reply, known?: Known): Reply {
    if (!this.#recorded) return this.record("command", reply, known);
    this.#weight += WEIGHT;
    return this.#told(reply);
  }

  /** A message was accepted: what was refused before is history. */
  forget(): void {
    this.#weight = 0;
    this.#recorded = false;
  }

  #told(reply: Reply): Reply {
    return this.#weight > WEIGHT_MAX ? tooManyErrors : reply;
  }
}
