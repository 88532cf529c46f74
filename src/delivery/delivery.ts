/**
 * The delivering half, put together: Redis, the queues, one feeder for each account, recovery, notices.
 *
 * Promises: `start` returns at once; what it needs may come later (Redis may be away for days). `enqueue` never
 * makes anyone wait. `stop` finishes what is in hand until its deadline; `close` ends Redis last.
 */
import type { Config } from "../config/config.ts";
import type { HeardEvents } from "../observe/events.ts";
import type { EmbeddedRedis } from "../queue/embedded-redis.ts";
import { Enqueuer } from "../queue/enqueuer.ts";
import { Queues } from "../queue/queues.ts";
import { connectRedis, type Redis } from "../queue/redis.ts";
import type { SpoolEntry } from "../spool/entry.ts";
import type { Spool } from "../spool/spool.ts";
import { Answers } from "./answers.ts";
import { untilDone } from "./every.ts";
import { Feeders, type FeedersParts } from "./feeders.ts";
import { Flow } from "./flow.ts";
import type { History } from "./history.ts";
import { firstJobFor } from "./job.ts";
import { Notices } from "./notices.ts";
import { Recovery } from "./recovery.ts";
import { ownershipIn, redisAddress, startOurRedis, tellRedis } from "./redis-of-config.ts";
import { elapsed, Standing } from "./standing.ts";
import { Trouble } from "./trouble.ts";
import { Turnstile } from "./turnstile.ts";
import { startUpkeep } from "./upkeep.ts";
import type { VerbParts } from "./verbs.ts";
import { Watchdog } from "./watchdog.ts";
import type { YearLedger } from "./year-limits.ts";

const START_RETRY_MS = 2000;

export interface DeliveryParts {
  /** The one to begin with. */
  readonly config: Config;
  readonly events: HeardEvents;
  readonly spool: Spool;
  readonly history: History;
  readonly ledger: YearLedger;
  readonly instance: string;
  /** When the config or the account's password file was written last, milliseconds since 1970. */
  readonly changedMs: (account: string | undefined) => number;
}

export class Delivery {
  readonly #parts: DeliveryParts;
  /** The one in force. */
  #config: Config;
  readonly #redis: Redis;
  readonly #queues: Queues;
  readonly #enqueuer: Enqueuer;
  readonly #recovery: Recovery;
  readonly #standing: Standing;
  readonly #notices: Notices;
  readonly #watchdog: Watchdog;
  readonly #feeders: Feeders;
  #endUpkeep: () => void = () => {};
  /** For people who ask. */
  readonly answers: Answers;
  /** What the verbs of the queue command need. */
  readonly verbs: VerbParts;
  readonly #trouble: Trouble;
  readonly #tell = (reason: string) => this.#trouble.tell(reason);
  #embedded: EmbeddedRedis | undefined;
  /** The feeders are made anew for another config. */
  #following: Promise<void> | undefined;
  #stopping = false;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.#config = parts.config;
    const { config, events, instance, spool, changedMs, history, ledger } = parts;
    this.#trouble = new Trouble(events, elapsed);
    this.#standing = new Standing({
      config,
      events,
      ledger,
      changedMs,
      onClosed: (which) => {
        if (which === "pair") this.#recovery.requestDueTimes("a pair may be sent again");
        this.#feeders.wakeAll();
      },
    });
    this.#notices = new Notices({
      config: () => this.#config,
      spool,
      enqueue: (entry) => this.enqueue(entry),
      events,
      kept: this.#standing.kept,
      workedMs: (entry) => this.workedMs(entry),
      wasFinished: (id) => history.wasFinished(id),
      now: Date.now,
    });
    this.#redis = connectRedis(redisAddress(config), this.#tell);
    this.#queues = new Queues({
      redis: this.#redis,
      instance,
      accounts: config.accounts.map(({ name }) => name),
      ownership: ownershipIn(this.#redis, { config, instance, events }),
      onConnected: (reason) => {
        this.#feeders.resume();
        this.#recovery.request(reason);
      },
      onTrouble: this.#tell,
    });
    const changing = new Turnstile();
    const shared = {
      queues: this.#queues,
      spool,
      events,
      now: Date.now,
      inHand: (id: string) => this.#feeders.inHand(id),
      whileNotFetching: <T>(account: string, work: () => Promise<T>) =>
        this.#feeders.whileNotFetching(account, work),
      exclusively: <T>(work: () => Promise<T>) => changing.closedWhile(work),
      untold: history.untold,
    };
    const onRecovered = () => this.#feeders.wakeAll();
    this.#recovery = new Recovery({ ...shared, redis: this.#redis, onRecovered });
    this.verbs = {
      ...shared,
      notices: this.#notices,
      hasAccount: (name) => this.#config.accounts.some((account) => account.name === name),
      probeNow: () => {
        this.#standing.breakers.probeNow();
        this.#feeders.wakeAll();
      },
      wake: (account) => this.#feeders.wake(account),
      recover: (reason) => this.#recovery.requestDueTimes(reason),
    };
    this.#enqueuer = new Enqueuer({
      add: async (account, messages) => {
        await this.#queues.ready;
        await this.#following;
        const queue = this.#queues.find(account);
        // It went while the message came in: recovery names it, and gives the message its job when it is back.
        if (!queue) return this.#recovery.request(`account ${account} is not in the config`);
        await queue.add(messages, Date.now());
      },
      added: (account) => this.#feeders.wake(account),
      overflowed: () => this.#recovery.request("more messages than could be queued one by one"),
      onTrouble: this.#tell,
    });
    this.#feeders = new Feeders({ partsOf: (account) => this.#feederParts(account), elapsed });
    this.#watchdog = new Watchdog({ feeders: this.#feeders.current, events, redis: this.#redis });
    this.answers = new Answers({
      feeders: this.#feeders,
      queues: this.#queues,
      flow: new Flow({ events, elapsed, longestWaitMs: () => this.#config.retry.maxMs }),
      standing: this.#standing,
      watchdog: this.#watchdog,
      redis: this.#redis,
      spool,
    });
  }

  /** Begins: Redis first, then recovery, then the feeders. */
  start(): void {
    // A disk that is full now, say, must not mean that nothing is delivered until the next start.
    void untilDone(() => this.#start(), {
      retryMs: START_RETRY_MS,
      over: () => this.#stopping,
      tell: this.#tell,
    });
  }

  /**
   * Goes on by another config: what is in hand is finished by the one it began with. Returns at once; accounts that are
   * new begin as soon as Redis answers.
   */
  use(config: Config): void {
    this.#config = config;
    this.#standing.use(config);
    this.#following ??= this.#follow().finally(() => {
      this.#following = undefined;
    });
  }

  /** A message has custody: it needs its job. */
  enqueue(entry: SpoolEntry): void {
    this.#enqueuer.enqueue({ ...firstJobFor(entry), account: entry.account });
  }

  /** How long the pair of a message could be worked for so far, milliseconds: noted when it is accepted. */
  workedMs(entry: SpoolEntry): number {
    return this.#standing.workedMs(entry);
  }

  /** No new attempts; those under way may finish until `deadline` fires. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#endTimers();
    this.#enqueuer.stop();
    await this.#feeders.stop(deadline);
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
    this.#endUpkeep();
  }

  async #start(): Promise<void> {
    const { events } = this.#parts;
    this.#embedded = await startOurRedis(this.#config, events);
    if (this.#stopping) return this.#embedded?.stop();
    await this.#queues.open();
    await tellRedis(this.#redis, events);
    await this.#following;
    if (this.#stopping) return;
    this.#feeders.use(this.#config);
    this.#recovery.start();
    this.#endUpkeep = startUpkeep({
      config: () => this.#config,
      sweep: { ...this.verbs, queues: this.#queues },
      notices: this.#notices,
      years: this.#standing.years,
      watchdog: this.#watchdog,
      redis: this.#redis,
      events,
      clockSet: () => this.#recovery.requestDueTimes("the wall clock was set"),
      tell: this.#tell,
    });
  }

  async #follow(): Promise<void> {
    for (let done: Config | undefined; done !== this.#config && !this.#stopping; ) {
      done = this.#config;
      await this.#queues.use(done.accounts.map(({ name }) => name));
      this.#feeders.use(done);
    }
    this.#recovery.requestDueTimes("the config is another");
  }

  #feederParts(account: string): ReturnType<FeedersParts["partsOf"]> {
    const { events, spool, history } = this.#parts;
    return {
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
}
