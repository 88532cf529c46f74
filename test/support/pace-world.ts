/**
 * A world for the pacer: several hosts, one Redis, and time that a test makes: restarts, losses, clocks that jump.
 *
 * The pacer and its script are the real ones, on a real Redis; only the script's `TIME` is replaced, by a time that
 * comes with the call. Promises: nothing of it depends on the machine's clock; worlds of different credentials can run
 * at once on one Redis.
 */
import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { Pacer, type PacerOptions } from "../../src/pacing/pacer.ts";
import { bucketsOf, CHARGE_PERIOD_MS, type MessageClass, type PastCharge } from "../../src/schedule/pace.ts";
import type { Paced, Said } from "./pace-model.ts";

/** Changes of product code that a checker must notice. */
export interface Mutation {
  readonly script?: (text: string) => string;
  readonly forgetsJournal?: true;
}

export interface Message {
  readonly class: MessageClass;
  readonly recipients: number;
  readonly bytes: number;
}

interface Taken {
  readonly charged: PastCharge;
  readonly mail: boolean;
  readonly runs: number;
}

export interface WorldOptions {
  readonly pace: Paced;
  readonly largestBytes: number;
  readonly hosts: number;
  readonly mutation?: Mutation;
}

const START_MS = Date.UTC(2026, 2, 1);
let worlds = 0;

/** Redis as one host sees it. */
type HostRedis = PacerOptions["redis"];

export class World implements AsyncDisposable {
  /** Real time, milliseconds. */
  nowMs = START_MS;
  readonly said: Said[] = [];
  readonly exceptions: number[] = [];
  readonly options: WorldOptions;
  readonly shared: boolean;
  readonly #client: Redis;
  readonly #username = `world${worlds++}-${process.pid}`;
  readonly #scripts = new Map<string, string>();
  readonly #hosts: Host[] = [];
  #redisOffsetMs = 0;
  #redisRun = 0;
  #later: { readonly atMs: number; readonly run: () => Promise<void> | void }[] = [];
  #dump: (Buffer | null)[] | undefined;

  constructor(client: Redis, options: WorldOptions) {
    this.#client = client;
    this.options = options;
    this.shared = options.hosts > 1;
    for (let n = 0; n < options.hosts; n++) this.#hosts.push(new Host(this, `${this.#username}-h${n}`));
  }

  host(n: number): Host {
    return this.#hosts[n % this.#hosts.length] as Host;
  }

  get username(): string {
    return this.#username;
  }

  /** What a clock on a host shows; alone, it is the clock of Redis. */
  clockMs(offsetMs: number): number {
    return Math.floor(this.nowMs + (this.shared ? offsetMs : this.#redisOffsetMs));
  }

  /** Lets time pass, and what was to come in it happen. */
  async until(atMs: number): Promise<void> {
    for (;;) {
      this.#later.sort((a, b) => a.atMs - b.atMs);
      const next = this.#later[0];
      if (!next || next.atMs > atMs) break;
      this.#later.shift();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      await next.run();
    }
    this.nowMs = Math.max(this.nowMs, atMs);
  }

  later(delayMs: number, run: () => Promise<void> | void): void {
    this.#later.push({ atMs: this.nowMs + delayMs, run });
  }

  /** The clock of Redis jumps; forward, a burst more may go. */
  jump(ms: number): void {
    this.#redisOffsetMs += ms;
    if (ms > 0) this.exceptions.push(this.nowMs);
  }

  async keepState(): Promise<void> {
    this.#dump = await Promise.all(this.#keys().map((key) => this.#client.dumpBuffer(key)));
  }

  /** Redis ends and comes back with the state that was kept last, or with none. */
  async rollBack(): Promise<void> {
    await this.#client.del(...this.#keys());
    for (const [index, dump] of (this.#dump ?? []).entries())
      if (dump) await this.#client.restore(this.#keys()[index] as string, 0, dump, "REPLACE");
    this.#redisRun++;
    for (const host of this.#hosts) host.reconnect();
  }

  /** Somebody flushes it: nobody's connection ends. */
  async flush(): Promise<void> {
    await this.#client.del(...this.#keys());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.del(...this.#keys());
  }

  redisFor(host: { readonly stream: object }): HostRedis {
    const call = async (sha: string, args: readonly unknown[]) => {
      const us = Math.floor((this.nowMs + this.#redisOffsetMs) * 1000);
      const time = `${Math.floor(us / 1e6)} ${us % 1e6}`;
      const [, ...rest] = args as [number, ...string[]];
      return this.#client.evalsha(sha, 3, rest[0] as string, rest[1] as string, time, ...rest.slice(2));
    };
    const fake = {
      get stream() {
        return host.stream;
      },
      info: async () => `# Server\r\nrun_id:${"0".repeat(30)}${this.#redisRun}\r\n`,
      hgetall: (key: string) => this.#client.hgetall(key),
      evalsha: async (sha: string, ...args: unknown[]) => {
        const ours = this.#scripts.get(sha);
        if (ours === undefined) throw new Error("NOSCRIPT");
        return call(ours, args);
      },
      eval: async (script: string, ...args: unknown[]) => {
        const changed = changedScript(script, this.options.mutation?.script);
        const ours = String(await this.#client.script("LOAD", changed));
        this.#scripts.set(createHash("sha1").update(script).digest("hex"), ours);
        return call(ours, args);
      },
    };
    return fake as unknown as HostRedis;
  }

  #keys(): string[] {
    const credential = createHash("sha256").update(this.#username).digest("hex").slice(0, 16);
    return [`{sluice:pace:${credential}}`, `{sluice:pace:${credential}}:minutes`];
  }
}

/** The script with the test's clock, and what a mutation makes of it. */
function changedScript(script: string, mutate: Mutation["script"]): string {
  const clocked = script.replace("redis.call('TIME')", "{ string.match(KEYS[3], '(%d+) (%d+)') }");
  if (clocked === script) throw new Error("Cannot replace the clock as the script does not ask for the time");
  const mutated = mutate ? mutate(clocked) : clocked;
  if (mutate && mutated === clocked)
    throw new Error("Cannot mutate the script as the mutation changes nothing");
  return mutated;
}

/** A machine with a pacer and a journal. */
export class Host {
  /** What its clock is off by, milliseconds, where hosts share. */
  offsetMs = 0;
  /** Its connection to Redis. */
  stream = {};
  readonly #world: World;
  #instance: string;
  #pacer: Pacer;
  #journal: PastCharge[] = [];
  #open = new Set<Taken>();
  #runs = 0;

  constructor(world: World, instance: string) {
    this.#world = world;
    this.#instance = instance;
    this.#pacer = this.#newPacer();
  }

  reconnect(): void {
    this.stream = {};
  }

  /** kill -9 and a start; what it had said is in its files. */
  restart(instance: "same" | "new" = "same"): void {
    for (const { charged, mail } of this.#open) if (mail) this.#journal.push(charged);
    this.#open.clear();
    this.#runs++;
    if (instance === "new") this.#instance += "x";
    this.reconnect();
    this.#pacer = this.#newPacer();
  }

  /** Asks, then charges; a MAIL follows late, or a refund. Gives how long to wait before the next, milliseconds. */
  async send(
    message: Message,
    then: { readonly mailAfterMs: number } | { readonly refundAfterMs: number },
  ): Promise<{ readonly went: boolean; readonly waitMs: number }> {
    const world = this.#world;
    const { class: name, recipients, bytes } = message;
    const asked = await this.#pacer.ask(name);
    if (asked > 0) return { went: false, waitMs: asked };
    const answer = await this.#pacer.charge(name, { recipients, bytes });
    if ("waitMs" in answer) return { went: false, waitMs: answer.waitMs };
    const taken = { charged: answer.charged, mail: "mailAfterMs" in then, runs: this.#runs };
    this.#open.add(taken);
    if ("refundAfterMs" in then) {
      world.later(then.refundAfterMs, () =>
        this.#end(taken, () => this.#pacer.refund(taken.charged, then.refundAfterMs)),
      );
      return { went: true, waitMs: answer.nextMs };
    }
    world.said.push({ ...message, atMs: world.nowMs + then.mailAfterMs, chargedMs: world.nowMs });
    world.later(then.mailAfterMs + 1, () =>
      this.#end(taken, () => {
        this.#journal.push(taken.charged);
        this.#pacer.settle(taken.charged);
      }),
    );
    return { went: true, waitMs: answer.nextMs };
  }

  /** Unless it was killed meanwhile. */
  async #end(taken: Taken, run: () => Promise<void> | void): Promise<void> {
    if (this.#open.delete(taken) && taken.runs === this.#runs) await run();
  }

  #newPacer(): Pacer {
    const world = this.#world;
    const { pace, largestBytes, mutation } = world.options;
    const now = () => world.clockMs(this.offsetMs);
    return new Pacer({
      redis: world.redisFor(this),
      username: world.username,
      buckets: bucketsOf(pace, largestBytes),
      instance: this.#instance,
      shared: world.shared,
      chargesOfLastHour: async () =>
        mutation?.forgetsJournal ? [] : this.#journal.filter(({ atMs }) => atMs > now() - CHARGE_PERIOD_MS),
      now,
    });
  }
}
