/**
 * The delivering half, put together: Redis, the queues, one feeder for each account, recovery, notices.
 *
 * Promises: `start` returns at once; what it needs may come later (Redis may be away for days). `enqueue` never
 * makes anyone wait. `stop` finishes what is in hand until its deadline; `close` ends Redis last.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config/config.ts";
import type { Events } from "../observe/events.ts";
import { HELD_UNTIL_MS } from "../queue/account-queue.ts";
import type { EmbeddedRedis } from "../queue/embedded-redis.ts";
import { Enqueuer } from "../queue/enqueuer.ts";
import { Queues } from "../queue/queues.ts";
import { connectRedis, type Redis } from "../queue/redis.ts";
import type { SpoolEntry } from "../spool/entry.ts";
import type { Spool } from "../spool/spool.ts";
import { HostOrder } from "../upstream/hosts.ts";
import { type AccountParts, accountFeeder } from "./account.ts";
import { Answers } from "./answers.ts";
import { watchClock } from "./clock-watch.ts";
import { every } from "./every.ts";
import type { Feeder } from "./feeder.ts";
import type { History } from "./history.ts";
import { Notices } from "./notices.ts";
import { Recovery } from "./recovery.ts";
import { ownershipIn, redisAddress, startOurRedis, tellRedis } from "./redis-of-config.ts";
import { SessionSlots } from "./session-slots.ts";
import { elapsed, Standing } from "./standing.ts";
import { sweepBounced } from "./sweep.ts";
import { Trouble } from "./trouble.ts";
import { Turnstile } from "./turnstile.ts";
import type { VerbParts } from "./verbs.ts";
import { Watchdog } from "./watchdog.ts";
import type { YearLedger } from "./year-limits.ts";

const SWEEP_MS = 600_000;
const DIGEST_MS = 60_000;
const YEAR_MS = 5000;
const START_RETRY_MS = 2000;

export interface DeliveryParts {
  readonly config: Config;
  readonly events: Events;
  readonly spool: Spool;
  readonly history: History;
  readonly ledger: YearLedger;
  readonly instance: string;
  /** When the config or the account's password file was written last, milliseconds since 1970. */
  readonly changedMs: (account: string | undefined) => number;
}

export class Delivery {
  readonly #parts: DeliveryParts;
  readonly #redis: Redis;
  readonly #queues: Queues;
  readonly #enqueuer: Enqueuer;
  readonly #recovery: Recovery;
  readonly #standing: Standing;
  readonly #notices: Notices;
  readonly #watchdog: Watchdog;
  readonly #feeders = new Map<string, Feeder>();
  readonly #timers: (() => void)[] = [];
  /** For people who ask. */
  readonly answers: Answers;
  /** What the verbs of the queue command need. */
  readonly verbs: VerbParts;
  readonly #trouble: Trouble;
  #embedded: EmbeddedRedis | undefined;
  #stopping = false;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    const { config, events, instance, spool, changedMs, history, ledger } = parts;
    this.#trouble = new Trouble(events, elapsed);
    const onTrouble = (reason: string) => this.#trouble.tell(reason);
    this.#standing = new Standing({
      config,
      events,
      ledger,
      changedMs,
      onClosed: (which) => {
        if (which === "pair") this.#recovery.requestDueTimes("a pair may be sent again");
        this.#wakeAll();
      },
    });
    this.#notices = new Notices({
      config,
      spool,
      enqueue: (entry) => this.enqueue(entry),
      events,
      kept: this.#standing.kept,
      workedMs: (entry) => this.workedMs(entry),
      wasFinished: (id) => this.#parts.history.wasFinished(id),
      now: Date.now,
    });
    this.#redis = connectRedis(redisAddress(config), onTrouble);
    this.#queues = new Queues({
      redis: this.#redis,
      instance,
      accounts: config.accounts.map(({ name }) => name),
      ownership: ownershipIn(this.#redis, { config, instance, events }),
      onConnected: (reason) => {
        for (const feeder of this.#feeders.values()) feeder.resume();
        this.#recovery.request(reason);
      },
      onTrouble,
    });
    const changing = new Turnstile();
    const shared = {
      queues: this.#queues,
      spool,
      events,
      now: Date.now,
      inHand: (id: string) => this.answers.inHand(id),
      whileNotFetching: <T>(account: string, work: () => Promise<T>) =>
        this.#feeders.get(account)?.whileNotFetching(work) ?? work(),
      exclusively: <T>(work: () => Promise<T>) => changing.closedWhile(work),
      untold: history.untold,
    };
    this.#recovery = new Recovery({ ...shared, redis: this.#redis, onRecovered: () => this.#wakeAll() });
    this.verbs = {
      ...shared,
      notices: this.#notices,
      hasAccount: (name) => config.accounts.some((account) => account.name === name),
      probeNow: () => {
        this.#standing.breakers.probeNow();
        this.#wakeAll();
      },
      wake: (account) => this.#feeders.get(account)?.wake(),
      recover: (reason) => this.#recovery.requestDueTimes(reason),
    };
    this.#enqueuer = new Enqueuer({
      add: async (account, messages) => {
        await this.#queues.ready;
        await this.#queues.of(account).add(messages, Date.now());
      },
      added: (account) => this.#feeders.get(account ?? "")?.wake(),
      overflowed: () => this.#recovery.request("more messages than could be queued one by one"),
      onTrouble,
    });
    this.#watchdog = new Watchdog({ feeders: this.#feeders, events, redis: this.#redis });
    this.answers = new Answers({
      feeders: this.#feeders,
      standing: this.#standing,
      watchdog: this.#watchdog,
      redis: this.#redis,
      spool,
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

  /** How long the pair of a message could be worked for so far, milliseconds: noted when it is accepted. */
  workedMs(entry: SpoolEntry): number {
    return this.#standing.workedMs(entry);
  }

  /** No new attempts; those under way may finish until `deadline` fires. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#endTimers();
    this.#enqueuer.stop();
    await Promise.all([...this.#feeders.values()].map((feeder) => feeder.stop(deadline)));
    await this.#recovery.stop();
  }

  /** Ends the connections, and our Redis last. */
  async close(): Promise<void> {
    this.#endTimers();
    await this.#standing.stop();
    await this.#queues[Symbol.asyncDispose]();
    await this.#embedded?.stop();
  }

  /** Nothing begins by itself any more. */
  #endTimers(): void {
    this.#stopping = true;
    this.#trouble.end();
    for (const end of this.#timers.splice(0)) end();
    this.#watchdog.stop();
  }

  /** A disk that is full at start, say, must not mean that nothing is delivered until the next one. */
  async #startWhenPossible(): Promise<void> {
    while (!this.#stopping) {
      try {
        return await this.#start();
      } catch (error) {
        this.#trouble.tell((error as Error).message);
        await sleep(START_RETRY_MS, undefined, { ref: false });
      }
    }
  }

  async #start(): Promise<void> {
    const { config, events } = this.#parts;
    this.#embedded = await startOurRedis(config, events);
    if (this.#stopping) return this.#embedded?.stop();
    await this.#queues.open();
    await tellRedis(this.#redis, events);
    const shared = {
      slots: new SessionSlots(config.upstream.sessions),
      hosts: new HostOrder(config.upstream.hosts, elapsed),
    };
    for (const account of config.accounts) {
      const feeder = accountFeeder(account, this.#accountParts(account.name, shared));
      this.#feeders.set(account.name, feeder);
      if (!this.#stopping) feeder.start();
    }
    if (this.#stopping) return;
    this.#recovery.start();
    this.#watchdog.start();
    const sweep = { ...this.verbs, queues: this.#queues, keepMs: config.keep.bouncedMs };
    const tell = (reason: string) => this.#trouble.tell(reason);
    this.#timers.push(every(SWEEP_MS, () => sweepBounced(sweep), tell));
    this.#timers.push(every(DIGEST_MS, () => this.#notices.sendDigests(), tell));
    this.#timers.push(every(YEAR_MS, () => this.#standing.years.look(this.#redis), tell));
    const clockSet = () => this.#recovery.requestDueTimes("the wall clock was set");
    this.#timers.push(watchClock({ now: Date.now, elapsed }, events, clockSet));
  }

  #accountParts(account: string, shared: Pick<AccountParts, "slots" | "hosts">): AccountParts {
    const { config, events, spool, history } = this.#parts;
    return {
      ...shared,
      config,
      events,
      spool,
      journalFolder: history.journalFolder,
      redis: this.#redis,
      instance: this.#parts.instance,
      queue: this.#queues.of(account),
      standing: this.#standing,
      notices: this.#notices,
      untold: this.#parts.history.untold,
      workedMs: (entry) => this.workedMs(entry),
      enqueue: (entry) => this.enqueue(entry),
      wasFinished: (id) => this.#parts.history.wasFinished(id),
      now: Date.now,
      elapsed,
      onTrouble: (reason) => {
        this.#trouble.tell(reason);
        this.#recovery.request("delivery was interrupted");
      },
    };
  }

  #wakeAll(): void {
    for (const feeder of this.#feeders.values()) feeder.wake();
  }
}
