/**
 * Who works under our instance id, in a Redis that others share: a lease on `{sluice:<instance>}:owner`.
 *
 *     nobody, or a run of our own place (dead: we hold its lock) ─▶ ours at once
 *     somebody else ─ is gone before its lease ends ─────────────▶ ours   (its machine was rebooted, its container made anew)
 *                   └ renews it ─▶ it lives, we are the copy ────▶ another instance id, whose queues are ours alone
 *
 * Promises: no queue is touched before `take` resolves, and two that live do not go on under one id: whoever finds
 * somebody else's token when it renews leaves. A Redis that forgot the lease gets it again at the next renewal.
 * Refuses to tell a machine from one that was cloned from its memory while it ran.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";

const LEASE_MS = 30_000;
const RENEWALS = 3; // in the time of a lease: two may fail
const LOOKS = 30;
const RELEASE_MS = 1000;

// pexpire, because a Redis that is full refuses set; false becomes nil.
const HOLD = `
local held = redis.call('get', KEYS[1])
if held == ARGV[1] then
  redis.call('pexpire', KEYS[1], ARGV[2])
elseif held then
  return redis.call('pttl', KEYS[1])
else
  redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return false`;
const RELEASE = `if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end`;

/** A key of an instance, beside its queues. */
export function instanceKey(instance: string, name: "owner" | "recovered"): string {
  return `{sluice:${instance}}:${name}`;
}

export interface OwnershipOptions {
  readonly redis: Redis;
  readonly instance: string;
  /** Where we run: nobody else of the same place can be alive. */
  readonly place: string;
  /** Makes another instance id, written down. */
  readonly newInstance: () => Promise<string>;
  readonly onWaiting: (reason: string) => void;
  readonly onMoved: (reason: string) => void;
  /** How long a lease lasts, milliseconds. */
  readonly leaseMs?: number;
}

export class Ownership {
  readonly #options: OwnershipOptions;
  readonly #leaseMs: number;
  #instance: string;

  constructor(options: OwnershipOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? LEASE_MS;
    this.#instance = options.instance;
  }

  /** The id to work under, once `take` has resolved. */
  get instance(): string {
    return this.#instance;
  }

  /** How often to call `renew`. */
  get renewMs(): number {
    return this.#leaseMs / RENEWALS;
  }

  /** Takes the lease, under another id if need be; a dead holder is waited for. Rejects when Redis fails. */
  async take(): Promise<void> {
    let lastMs = Number.POSITIVE_INFINITY;
    for (let looks = 0; ; looks++) {
      const leftMs = await this.#hold();
      if (leftMs === undefined) return;
      // What is left of a lease only grows when it is renewed. One without an end is none of a sluice that we know.
      if (leftMs > lastMs || looks > LOOKS + 1) {
        await this.#move();
        lastMs = Number.POSITIVE_INFINITY;
        looks = 0;
        continue;
      }
      if (looks === 0) this.#tellWaiting();
      lastMs = leftMs;
      await sleep(this.#leaseMs / LOOKS, undefined, { ref: false });
    }
  }

  /** Keeps the lease, or leaves for another id, which `instance` then tells. Rejects when Redis fails. */
  async renew(): Promise<void> {
    if ((await this.#hold()) === undefined) return;
    const left = this.#instance;
    await this.#move();
    // For a while two worked here: whoever stays has to look what became of its jobs.
    await this.#options.redis.del(instanceKey(left, "recovered"));
    await this.take();
  }

  /** Gives the lease back, if it is ours. Never rejects, and does not wait for long. */
  async release(): Promise<void> {
    const { redis, place } = this.#options;
    const released = redis.eval(RELEASE, 1, instanceKey(this.#instance, "owner"), place).catch(() => {});
    await Promise.race([released, sleep(RELEASE_MS, undefined, { ref: false })]);
  }

  /** Takes or keeps the lease; when somebody else has it, what is left of it, milliseconds. */
  async #hold(): Promise<number | undefined> {
    const { redis, place } = this.#options;
    const key = instanceKey(this.#instance, "owner");
    const leftMs = await redis.eval(HOLD, 1, key, place, String(this.#leaseMs));
    return leftMs === null ? undefined : Number(leftMs);
  }

  async #move(): Promise<void> {
    const former = this.#instance;
    this.#instance = await this.#options.newInstance();
    this.#options.onMoved(
      `another agent works under our instance id ${former} in this Redis, so this state folder, or its, is a copy: ` +
        `ours is ${this.#instance} from now on; empty the state folder of a machine before it is cloned`,
    );
  }

  #tellWaiting(): void {
    const most = `${Math.ceil(this.#leaseMs / 1000)} s`;
    this.#options.onWaiting(
      `an agent elsewhere had our instance id ${this.#instance} a moment ago: mail waits, at most ${most}, for it to be gone`,
    );
  }
}
