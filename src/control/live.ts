/**
 * Live events for the page: `GET /api/v1/events`, server-sent events (WHATWG HTML, section 9.2).
 *
 *     event: overview   at once, and whenever it changed, every two seconds at most
 *     event: fact       what happens to mail, as it happens; at most 20 a second, the rest is in the overview's numbers
 *     event: heartbeat  every 15 seconds: a page that hears none knows that it hears nothing
 *
 * Promises: one overview serves all listeners, and none is made while nobody listens; streams are few, a reader that is
 * slow is cut off, and each ends after an hour (the page connects again, and shows that it may).
 */
import type { ServerResponse } from "node:http";
import type { Told } from "../observe/events.ts";
import type { Overview } from "./overview.ts";
import { reasonOf } from "./recent.ts";

const STREAMS = 20;
const LOOK_MS = 2000;
const HEARTBEAT_MS = 15_000;
const STREAM_MS = 3_600_000;
const FACTS_A_SECOND = 20;
/** Unread bytes beyond which a reader is slow. */
const UNREAD_BYTES = 1_000_000;
/** How soon the page connects again. */
const RETRY_MS = 3000;
/** Of a fact's many recipients. */
const RECIPIENTS = 20;

/** A fact as the page gets it. */
export interface LiveFact {
  readonly at: string;
  readonly event: Told["event"];
  readonly id: string | null;
  readonly account: string | null;
  readonly sender: string | null;
  /** The first of them. */
  readonly recipients: readonly string[];
  readonly recipientCount: number;
  readonly user: string | null;
  /** The upstream's words, or ours; empty where there is nothing to say. */
  readonly reason: string;
}

export interface LiveParts {
  readonly overview: () => Promise<Overview>;
  readonly hear: (listener: (told: Told) => void) => () => void;
  readonly lookMs?: number;
}

export class Live {
  readonly #parts: LiveParts;
  readonly #streams = new Set<ServerResponse>();
  readonly #deaf: () => void;
  #look: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  /** What the overview said last, but for the time of day. */
  #said = "";
  #second = 0;
  #factsInSecond = 0;
  #ended = false;

  constructor(parts: LiveParts) {
    this.#parts = parts;
    this.#deaf = parts.hear((told) => this.#hear(told));
  }

  /** May another stream begin? */
  get room(): boolean {
    return !this.#ended && this.#streams.size < STREAMS;
  }

  /** Begins a stream on `response`, whose status and head are still to be written. */
  async begin(response: ServerResponse): Promise<void> {
    this.#streams.add(response);
    response.once("close", () => this.#forget(response));
    const end = setTimeout(() => response.end(), STREAM_MS).unref();
    response.once("close", () => clearTimeout(end));
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    response.write(`retry: ${RETRY_MS}\n\n`);
    this.#look ??= setInterval(() => void this.#tellOverview(), this.#parts.lookMs ?? LOOK_MS).unref();
    this.#heartbeat ??= setInterval(() => this.#toAll(message("heartbeat", {})), HEARTBEAT_MS).unref();
    const overview = await this.#parts.overview().catch(() => undefined);
    if (!overview || !this.#streams.has(response)) return;
    if (this.#streams.size === 1) this.#said = saidBy(overview);
    this.#to(response, message("overview", overview));
  }

  /** Ends all streams; none begins any more. */
  end(): void {
    this.#ended = true;
    this.#deaf();
    for (const response of this.#streams) response.end();
  }

  async #tellOverview(): Promise<void> {
    const overview = await this.#parts.overview().catch(() => undefined);
    if (!overview) return;
    const said = saidBy(overview);
    if (said === this.#said) return;
    this.#said = said;
    this.#toAll(message("overview", overview));
  }

  #hear(told: Told): void {
    if (this.#streams.size === 0 || told.event === "finished") return;
    const second = Math.floor(Date.parse(told.at) / 1000);
    if (second !== this.#second) this.#factsInSecond = 0;
    this.#second = second;
    if (++this.#factsInSecond <= FACTS_A_SECOND) this.#toAll(message("fact", factOf(told)));
  }

  #toAll(text: string): void {
    for (const response of this.#streams) this.#to(response, text);
  }

  #to(response: ServerResponse, text: string): void {
    if (response.writableEnded) return; // its hour is over, and its reader has not read all of it yet
    response.write(text);
    if (response.writableLength > UNREAD_BYTES) response.destroy();
  }

  #forget(response: ServerResponse): void {
    this.#streams.delete(response);
    if (this.#streams.size > 0) return;
    clearInterval(this.#look);
    clearInterval(this.#heartbeat);
    this.#look = undefined;
    this.#heartbeat = undefined;
    this.#said = "";
  }
}

/** All but the time of day, which always changes. */
function saidBy(overview: Overview): string {
  return JSON.stringify({ ...overview, now: "" });
}

/** JSON has no line end in it. */
function message(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

function factOf(told: Told): LiveFact {
  const recipients = "recipients" in told ? (told.recipients ?? []) : [];
  return {
    at: told.at,
    event: told.event,
    id: told.id ?? null,
    account: "account" in told ? told.account : null,
    sender: told.sender ?? null,
    recipients: recipients.slice(0, RECIPIENTS),
    recipientCount: recipients.length,
    user: "user" in told ? (told.user ?? null) : null,
    reason: reasonOf(told),
  };
}
