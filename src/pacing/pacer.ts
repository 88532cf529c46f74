/**
 * The hour's budget of one account: asked before a message is fetched, charged before its MAIL is said.
 *
 * Promises (P5): in any 60 minutes at most the caps conform, over every host that shares Redis and over restarts. A
 * budget that Redis lost, or came back with an older state of, is mended before anything is charged: at start, after
 * each reconnection, and when it does not know this host. All measures are charged together, or none.
 * Refuses to guess: when Redis does not answer, every call rejects and delivery waits.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import {
  allowanceUs,
  type Bucket,
  costUs,
  HOUR_MS,
  type MessageClass,
  type PastCharge,
  uses,
  type Weight,
} from "../schedule/pace.ts";

const SCRIPT = readFileSync(new URL("./gcra.lua", import.meta.url), "utf8");
const MINUTES = 60;

export interface PacerOptions {
  readonly redis: Redis;
  /** The credential: what the relay service bills, whatever the account is called on other hosts. */
  readonly username: string;
  readonly buckets: readonly Bucket[];
  /** This host, to those who share the budget. */
  readonly instance: string;
  /** Whether other hosts may charge this budget too. */
  readonly shared: boolean;
  readonly chargesOfLastHour: () => Promise<readonly PastCharge[]>;
  readonly now: () => number;
}

type Mode = "ask" | "charge" | "refund" | "owe";
const LEAST: Weight = { recipients: 1, bytes: 1 };

export class Pacer {
  readonly #options: PacerOptions;
  readonly #key: string;
  /** Charged, and not told to the journal yet. */
  readonly #open = new Set<PastCharge>();
  #trusted = false;

  constructor(options: PacerOptions) {
    this.#options = options;
    const credential = createHash("sha256").update(options.username).digest("hex").slice(0, 16);
    this.#key = `{sluice:pace:${credential}}`;
  }

  get unlimited(): boolean {
    return this.#options.buckets.length === 0;
  }

  /** The cap on messages; infinite without one. */
  get perHour(): number {
    return (
      this.#options.buckets.find(({ measure }) => measure === "messages")?.cap ?? Number.POSITIVE_INFINITY
    );
  }

  /** The time between two messages of this class when the budget is used up, milliseconds; 0 when it is unlimited. */
  intervalMs(messageClass: MessageClass): number {
    const costs = this.#costs(messageClass, LEAST).map(([, cost]) => cost);
    return Math.max(0, ...costs) / 1000;
  }

  /** How long the smallest message of this class would have to wait now, milliseconds; charges nothing. */
  async ask(messageClass: MessageClass): Promise<number> {
    if (this.unlimited) return 0;
    return this.#call("ask", this.#options.now(), this.#costs(messageClass, LEAST));
  }

  /** Charges one message. With `waitMs` nothing was charged; else `settle` or `refund` must follow. */
  async charge(
    messageClass: MessageClass,
    weight: Weight,
  ): Promise<{ readonly charged: PastCharge } | { readonly waitMs: number }> {
    const charged = { ...weight, class: messageClass, atMs: this.#options.now() };
    if (this.unlimited) return { charged };
    this.#open.add(charged); // before the call: what comes back as an error may have been charged
    const waitMs = await this.#call("charge", charged.atMs, this.#costs(messageClass, weight));
    if (waitMs === 0) return { charged };
    this.#open.delete(charged);
    return { waitMs };
  }

  /** The journal has it. */
  settle(charged: PastCharge): void {
    this.#open.delete(charged);
  }

  /** No MAIL followed. */
  async refund(charged: PastCharge): Promise<void> {
    if (!this.#open.delete(charged)) return;
    await this.#call("refund", charged.atMs, this.#costs(charged.class, charged));
  }

  /** Redis may have come back with an older state: the journal is asked before the next charge. */
  distrust(): void {
    this.#trusted = false;
  }

  /** Messages charged in the last 60 minutes by all hosts, to the minute. */
  async used(): Promise<number> {
    const minute = Math.floor(this.#options.now() / 60_000);
    const minutes = await this.#options.redis.hgetall(`${this.#key}:minutes`);
    const counted = Object.entries(minutes).filter(([at]) => Math.abs(minute - Number(at)) < MINUTES);
    return counted.reduce((sum, [, count]) => sum + Number(count), 0);
  }

  #costs(messageClass: MessageClass, weight: Weight): [Bucket, number][] {
    const buckets = this.#options.buckets.filter((bucket) => uses(bucket, messageClass));
    return buckets.map((bucket) => [bucket, costUs(bucket, weight)]);
  }

  async #call(mode: Mode, atMs: number, costs: readonly [Bucket, number][]): Promise<number> {
    if (!this.#trusted) await this.#mend();
    let [answer, waitUs] = await this.#eval(mode, atMs, costs);
    if (answer === 2) {
      await this.#mend();
      [answer, waitUs] = await this.#eval(mode, atMs, costs);
    }
    return answer === 1 ? 0 : Math.max(1, Math.ceil(waitUs / 1000));
  }

  /** Makes the budget owe at least what this host knows to be owed. */
  async #mend(): Promise<void> {
    const { redis, instance, buckets, chargesOfLastHour, shared, now } = this.#options;
    // What was charged and never told: the call failed, or the attempt was cut off.
    for (const charge of this.#open) if (charge.atMs < now() - HOUR_MS) this.#open.delete(charge);
    const mark = await redis.hget(this.#key, `h:${instance}`);
    const charges = [...(await chargesOfLastHour()), ...this.#open].sort((a, b) => a.atMs - b.atMs);
    const newestMs = charges.at(-1)?.atMs ?? 0;
    if (mark === null || Number(mark) < newestMs) {
      // Alone we know all of it. What others were charged we do not: then the burst counts as used up.
      const owed = (bucket: Bucket) => (shared ? allowanceUs(bucket) : debtUs(bucket, charges, now()));
      const debts = buckets.map((bucket): [Bucket, number] => [bucket, newestMs === 0 ? 0 : owed(bucket)]);
      await this.#eval("owe", newestMs, debts);
    }
    this.#trusted = true;
  }

  async #eval(mode: Mode, atMs: number, costs: readonly [Bucket, number][]): Promise<[number, number]> {
    const { redis, instance } = this.#options;
    const measures = costs.flatMap(([bucket, cost]) => [bucket.measure, cost, allowanceUs(bucket)]);
    const keys = [this.#key, `${this.#key}:minutes`];
    return (await redis.eval(SCRIPT, 2, ...keys, mode, instance, atMs, ...measures)) as [number, number];
  }
}

/** What a bucket owes after these charges, rising, microseconds: each adds its cost to what is owed at its time. */
export function debtUs(bucket: Bucket, charges: readonly PastCharge[], nowMs: number): number {
  let freeAtUs = Number.NEGATIVE_INFINITY;
  for (const charge of charges.filter((one) => uses(bucket, one.class)))
    freeAtUs = Math.max(freeAtUs, charge.atMs * 1000) + costUs(bucket, charge);
  return Math.max(0, Math.ceil(freeAtUs - nowMs * 1000));
}
