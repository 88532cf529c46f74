/**
 * The metrics that say how things stand: set from readings right before they are shown.
 *
 * Promises: what is not known is not shown, rather than shown as it was or as 0.
 */
import { Gauge, type Registry } from "prom-client";

/** How things stand, as far as it is known. Ages in seconds. */
export interface Readings {
  readonly queue: readonly {
    readonly account: string;
    readonly states: Readonly<Record<string, number>>;
    readonly oldest: number | null;
  }[];
  readonly accounts: readonly {
    readonly account: string;
    readonly budget: { readonly used: number; readonly perHour: number } | null;
    readonly sessions: number;
    /** What is used of the contract's year, and of how much. */
    readonly year: { readonly messages: number; readonly bytes: number } | null;
    readonly yearLimits: { readonly messages?: number; readonly bytes?: number };
  }[];
  /** Every breaker there is but those of pairs, and how many of these are open. */
  readonly breakers: readonly {
    readonly breaker: "upstream" | "account" | "pair";
    readonly account: string;
    readonly open: number;
  }[];
  readonly connections: number;
  readonly redis: "up" | "down";
  readonly freeDiskBytes: number;
  /** Milliseconds since 1970. */
  readonly lastDeliveredMs: number | undefined;
}

export class Gauges {
  readonly #registry: Registry;
  readonly #messages: Gauge<"account" | "state">;
  readonly #oldest: Gauge<"account">;
  readonly #budgetUsed: Gauge<"account">;
  readonly #budgetLimit: Gauge<"account">;
  readonly #sessions: Gauge<"account">;
  readonly #connections: Gauge;
  readonly #breakers: Gauge<"breaker" | "account">;
  readonly #redis: Gauge;
  readonly #disk: Gauge;
  readonly #yearMessages: Gauge<"account">;
  readonly #yearBytes: Gauge<"account">;
  readonly #yearMessagesLimit: Gauge<"account">;
  readonly #yearBytesLimit: Gauge<"account">;
  readonly #lastDelivered: Gauge;
  readonly #reload: Gauge;

  constructor(registry: Registry, about: { readonly version: string; readonly node: string }) {
    this.#registry = registry;
    const account = ["account"] as const;
    this.#messages = this.#gauge("sluice_queue_messages", "Messages in the queue, by state.", [
      "account",
      "state",
    ]);
    this.#oldest = this.#gauge(
      "sluice_queue_oldest_seconds",
      "Age of the oldest message that waits.",
      account,
    );
    this.#budgetUsed = this.#gauge(
      "sluice_budget_used",
      "Messages of the last 60 minutes, over every host that shares Redis.",
      account,
    );
    this.#budgetLimit = this.#gauge("sluice_budget_limit", "The cap on messages in any 60 minutes.", account);
    this.#sessions = this.#gauge("sluice_sessions", "Sessions with the upstream that are open.", account);
    this.#connections = this.#gauge("sluice_connections", "Sessions of programs at the listener.");
    this.#breakers = this.#gauge("sluice_breaker_open", "How many breakers of that kind are open.", [
      "breaker",
      "account",
    ]);
    this.#redis = this.#gauge("sluice_redis_up", "1 while Redis answers.");
    this.#disk = this.#gauge("sluice_disk_free_bytes", "Room on the disk of the spool.");
    this.#yearMessages = this.#gauge(
      "sluice_usage_year_messages",
      "Messages of the contract's year so far, over all hosts that are known.",
      account,
    );
    this.#yearBytes = this.#gauge("sluice_usage_year_bytes", "The same in bytes.", account);
    this.#yearMessagesLimit = this.#gauge(
      "sluice_usage_year_messages_limit",
      "The limit on messages in the contract's year, where there is one.",
      account,
    );
    this.#yearBytesLimit = this.#gauge("sluice_usage_year_bytes_limit", "The same in bytes.", account);
    this.#lastDelivered = this.#gauge(
      "sluice_last_delivered_timestamp_seconds",
      "When the upstream last took a message, seconds since 1970.",
    );
    this.#reload = this.#gauge(
      "sluice_config_reload_success",
      "0 when the config file was refused at the last reload.",
    );
    this.#reload.set(1);
    this.#gauge("sluice_build_info", "1; its labels say what runs.", ["version", "node"]).set(about, 1);
  }

  set(readings: Readings): void {
    for (const gauge of [this.#messages, this.#oldest, this.#budgetUsed, this.#budgetLimit, this.#sessions])
      gauge.reset();
    for (const gauge of [this.#yearMessages, this.#yearBytes, this.#yearMessagesLimit, this.#yearBytesLimit])
      gauge.reset();
    for (const { account, states, oldest } of readings.queue) {
      for (const [state, count] of Object.entries(states)) this.#messages.set({ account, state }, count);
      this.#oldest.set({ account }, oldest ?? 0);
    }
    for (const { account, budget, sessions, year, yearLimits } of readings.accounts) {
      if (budget) this.#budgetUsed.set({ account }, budget.used);
      if (budget) this.#budgetLimit.set({ account }, budget.perHour);
      this.#sessions.set({ account }, sessions);
      if (year) this.#yearMessages.set({ account }, year.messages);
      if (year) this.#yearBytes.set({ account }, year.bytes);
      if (yearLimits.messages !== undefined) this.#yearMessagesLimit.set({ account }, yearLimits.messages);
      if (yearLimits.bytes !== undefined) this.#yearBytesLimit.set({ account }, yearLimits.bytes);
    }
    this.#breakers.reset();
    for (const { breaker, account, open } of readings.breakers)
      this.#breakers.set({ breaker, account }, open);
    this.#connections.set(readings.connections);
    this.#redis.set(readings.redis === "up" ? 1 : 0);
    this.#disk.set(readings.freeDiskBytes);
    if (readings.lastDeliveredMs === undefined) this.#lastDelivered.remove();
    else this.#lastDelivered.set(readings.lastDeliveredMs / 1000);
  }

  setReload(outcome: "done" | "refused"): void {
    this.#reload.set(outcome === "done" ? 1 : 0);
  }

  #gauge<T extends string>(name: string, help: string, labelNames: readonly T[] = []): Gauge<T> {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] });
  }
}
