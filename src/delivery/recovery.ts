/**
 * When to recover: runs `recover` one at a time, whenever it is asked to and until it works.
 *
 * Asked at start, at every reconnection to Redis, after an error of Redis or of the disk in delivery, when
 * our mark in Redis is gone (somebody flushed it), and, due times included, when the clock was set or a pair may be
 * sent again. Promises: a request made while one runs is followed by
 * another; it never rejects.
 */
import type { Events } from "../observe/events.ts";
import { instanceKey } from "../queue/ownership.ts";
import type { Redis } from "../queue/redis.ts";
import { type RecoverParts, recover } from "./recover.ts";
import { rescheduleDeferred } from "./reschedule.ts";
import { Signal } from "./signal.ts";

const RETRY_MS = 1000;
const RETRY_MAX_MS = 60_000;
const WATCH_MS = 5000;

export interface RecoveryParts extends Omit<RecoverParts, "stopped"> {
  readonly redis: Redis;
  readonly events: Events;
  /** Called after each recovery: there may be work. */
  readonly onRecovered: () => void;
}

export class Recovery {
  readonly #parts: RecoveryParts;
  readonly #asked = new Signal();
  #reason: string | undefined = "start";
  /** At start too: a breaker may be closed now, the clock have been set, a retry not have reached its job. */
  #dueTimes = true;
  #stopped = false;
  #running: Promise<void> | undefined;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  request(reason: string): void {
    this.#reason ??= reason;
    this.#asked.wake();
  }

  /** The same, and the due times of deferred messages are derived again too. */
  requestDueTimes(reason: string): void {
    this.#dueTimes = true;
    this.request(reason);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#asked.wake();
    await this.#running;
  }

  get #markKey(): string {
    return instanceKey(this.#parts.queues.instance, "recovered");
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stopped) {
      const reason = this.#reason ?? (await this.#markGone());
      if (reason === undefined) {
        await this.#asked.wait(WATCH_MS);
        continue;
      }
      this.#reason = undefined;
      if (await this.#once(reason)) {
        failures = 0;
        continue;
      }
      this.#reason ??= reason;
      await this.#asked.wait(Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** failures++));
    }
  }

  async #once(reason: string): Promise<boolean> {
    const { redis, events, onRecovered } = this.#parts;
    const dueTimes = this.#dueTimes;
    this.#dueTimes = false;
    try {
      // Before, not after: what is flushed while we look takes the mark with it, and we look again.
      await redis.set(this.#markKey, "1");
      const parts = { ...this.#parts, stopped: () => this.#stopped };
      const found = await recover(parts);
      const rescheduled = await rescheduleDeferred(parts, dueTimes ? "all" : "held");
      const changed = found.requeued + found.reclaimed + found.parked + rescheduled > 0;
      events.report(
        "recovered",
        { reason, ...found, rescheduled },
        changed || reason === "start" ? "info" : "debug",
      );
      onRecovered();
      return true;
    } catch (error) {
      this.#dueTimes ||= dueTimes;
      if (!this.#stopped)
        events.report("trouble", { part: "recovery", reason: (error as Error).message }, "warn");
      return false;
    }
  }

  async #markGone(): Promise<string | undefined> {
    const marked = await this.#parts.redis.exists(this.#markKey).catch(() => 1);
    return marked === 0 ? "Redis lost its contents" : undefined;
  }
}
