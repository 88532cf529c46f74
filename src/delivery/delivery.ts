/**
 * The delivering half, put together: Redis, the queues, one feeder for each account, recovery.
 *
 * Promises: `start` returns at once; what it needs may come later (Redis may be away for days). `enqueue` never
 * makes anyone wait. `stop` finishes what is in hand until its deadline; `close` ends Redis last.
 */
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config/config.ts";
import { chargesOfLastHour, wasFinished } from "../journal/questions.ts";
import type { Events } from "../observe/events.ts";
import { Pacer } from "../pacing/pacer.ts";
import { HELD_UNTIL_MS } from "../queue/account-queue.ts";
import { EmbeddedRedis } from "../queue/embedded-redis.ts";
import { Enqueuer } from "../queue/enqueuer.ts";
import { Queues } from "../queue/queues.ts";
import { connectRedis, type Redis } from "../queue/redis.ts";
import type { SpoolEntry } from "../spool/entry.ts";
import { isQueueId, timeOfQueueId } from "../spool/queue-id.ts";
import type { Spool } from "../spool/spool.ts";
import { ACCOUNT_WAITS, Breaker, UPSTREAM_WAITS } from "../upstream/breaker.ts";
import { connector } from "../upstream/connector.ts";
import { HostOrder } from "../upstream/hosts.ts";
import { Feeder } from "./feeder.ts";
import { Gate } from "./gate.ts";
import { Recovery } from "./recovery.ts";
import { redisAddress, redisSocket, tellRedis } from "./redis-of-config.ts";
import { SessionSlots } from "./session-slots.ts";
import { sweepBounced } from "./sweep.ts";

const REDIS_MEMORY_BYTES = 512 * 1024 * 1024;
const TROUBLE_EVENT_MS = 10_000;
const SWEEP_MS = 600_000;
const START_RETRY_MS = 2000;

export interface DeliveryParts {
  readonly config: Config;
  readonly events: Events;
  readonly spool: Spool;
  readonly journalFolder: string;
  readonly instance: string;
}

const elapsed = () => performance.now();

export class Delivery {
  readonly #parts: DeliveryParts;
  readonly #redis: Redis;
  readonly #queues: Queues;
  readonly #enqueuer: Enqueuer;
  readonly #recovery: Recovery;
  readonly #feeders = new Map<string, Feeder>();
  #embedded: EmbeddedRedis | undefined;
  /** What was told last, and when. */
  #told = { reason: "", atMs: Number.NEGATIVE_INFINITY };
  #sweeping: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    const { config, events, instance, spool } = parts;
    const onTrouble = (reason: string) => this.#trouble(reason);
    this.#redis = connectRedis(redisAddress(config), onTrouble);
    this.#queues = new Queues({
      redis: this.#redis,
      instance,
      accounts: config.accounts.map(({ name }) => name),
      onConnected: () => {
        for (const feeder of this.#feeders.values()) feeder.resume();
        this.#recovery.request("connected to Redis again");
      },
      onTrouble,
    });
    this.#recovery = new Recovery({
      redis: this.#redis,
      queues: this.#queues,
      instance,
      spool,
      events,
      now: Date.now,
      inHand: (id) => this.inHand(id),
      whileNotFetching: (account, work) => this.#feeders.get(account)?.whileNotFetching(work) ?? work(),
      onRecovered: () => this.#wakeAll(),
    });
    this.#enqueuer = new Enqueuer({
      add: async (account, messages) => {
        await this.#queues.ready;
        await this.#queues.of(account).add(messages, Date.now());
      },
      added: (account) => this.#feeders.get(account ?? "")?.wake(),
      overflowed: () => this.#recovery.request("more messages than could be queued one by one"),
      onTrouble,
    });
  }

  /** Begins: Redis first, then recovery, then the feeders. */
  start(): void {
    void this.#startWhenPossible();
  }

  /** A message has custody: it needs its job. */
  enqueue({ id, account, class: name, hold }: SpoolEntry): void {
    this.#enqueuer.enqueue({
      id,
      account,
      class: name,
      ...(hold === undefined ? {} : { dueMs: HELD_UNTIL_MS }),
    });
  }

  /** Is this message in a session just now? */
  inHand(id: string): boolean {
    return [...this.#feeders.values()].some((feeder) => feeder.inHand(id));
  }

  /** Why the due messages of an account wait just now, if something holds them all up. */
  waitReason(account: string): string | undefined {
    if (this.#redis.status !== "ready") return "Redis does not answer";
    return this.#feeders.get(account)?.reason;
  }

  /** No new attempts; those under way may finish until `deadline` fires. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#sweeping);
    this.#enqueuer.stop();
    await Promise.all([...this.#feeders.values()].map((feeder) => feeder.stop(deadline)));
    await this.#recovery.stop();
  }

  /** Ends the connections, and our Redis last. */
  async close(): Promise<void> {
    this.#stopping = true;
    await this.#queues[Symbol.asyncDispose]();
    await this.#embedded?.stop();
  }

  /** A disk that is full at start, say, must not mean that nothing is delivered until the next one. */
  async #startWhenPossible(): Promise<void> {
    while (!this.#stopping) {
      try {
        return await this.#start();
      } catch (error) {
        this.#trouble((error as Error).message);
        await sleep(START_RETRY_MS, undefined, { ref: false });
      }
    }
  }

  async #start(): Promise<void> {
    const { config, events } = this.#parts;
    if (config.redis.kind === "embedded") {
      this.#embedded = await EmbeddedRedis.start({
        folder: join(config.stateDir, "redis"),
        socket: redisSocket(config),
        maxMemoryBytes: REDIS_MEMORY_BYTES,
        report: (what, detail) =>
          events.report("redis", { what, detail }, what === "started" ? "info" : "error"),
      });
      if (this.#stopping) return this.#embedded.stop();
    }
    await this.#queues.open();
    await tellRedis(this.#redis, events);
    const upstream = new Breaker(UPSTREAM_WAITS, elapsed);
    const slots = new SessionSlots(config.upstream.sessions);
    const hosts = new HostOrder(config.upstream.hosts, elapsed);
    for (const account of config.accounts) {
      const feeder = this.#feeder(account, { upstream, slots, hosts });
      this.#feeders.set(account.name, feeder);
      if (!this.#stopping) feeder.start();
    }
    if (this.#stopping) return;
    this.#recovery.start();
    this.#sweeping = setInterval(() => void this.#sweep(), SWEEP_MS).unref();
    await this.#sweep();
  }

  async #sweep(): Promise<void> {
    const { spool, events, config } = this.#parts;
    const parts = { spool, events, queues: this.#queues, keepMs: config.keep.bouncedMs, now: Date.now };
    await sweepBounced(parts).catch((error: Error) => this.#trouble(error.message));
  }

  #feeder(
    account: Config["accounts"][number],
    shared: { upstream: Breaker; slots: SessionSlots; hosts: HostOrder },
  ): Feeder {
    const { config, events, spool, journalFolder } = this.#parts;
    const { name, username, password, pace } = account;
    const { port, security, ciphers, ca, messagesPerSession } = config.upstream;
    const gate = new Gate({
      accountName: name,
      account: new Breaker(ACCOUNT_WAITS, elapsed),
      upstream: shared.upstream,
      events,
      onClosed: () => this.#wakeAll(),
    });
    const connect = connector(
      {
        port,
        security,
        hostname: config.hostname,
        username,
        password,
        mailMax: messagesPerSession,
        ...(ciphers === undefined ? {} : { ciphers }),
        ...(ca === undefined ? {} : { ca }),
      },
      shared.hosts,
    );
    const charges = () => chargesOfLastHour(journalFolder, name, Date.now());
    return new Feeder({
      account: name,
      queue: this.#queues.of(name),
      pacer: new Pacer({ redis: this.#redis, username, pace, chargesOfLastHour: charges, now: Date.now }),
      slots: shared.slots,
      gate,
      connect,
      spool,
      events,
      retry: config.retry,
      now: Date.now,
      stopping: () => this.#stopping,
      random: Math.random,
      elapsed,
      wasFinished: async (id) =>
        isQueueId(id) && wasFinished(journalFolder, { id, acceptedMs: timeOfQueueId(id) }, Date.now()),
      onTrouble: (reason) => {
        this.#trouble(reason);
        this.#recovery.request("delivery was interrupted");
      },
    });
  }

  #wakeAll(): void {
    for (const feeder of this.#feeders.values()) feeder.wake();
  }

  /** Told once in a while: a Redis that is away is noticed by everybody, all the time. */
  #trouble(reason: string): void {
    const again = reason === this.#told.reason && elapsed() - this.#told.atMs < TROUBLE_EVENT_MS;
    if (this.#stopping || again) return;
    this.#told = { reason, atMs: elapsed() };
    this.#parts.events.report("trouble", { part: "delivery", reason }, "warn");
  }
}
