/**
 * The hour's budget of one account: asked before a message is fetched, charged before its MAIL is said.
 *
 * Promises (P5): in any 60 minutes at most the caps conform, over every host that shares Redis and over restarts. A
 * budget that Redis lost, or came back with an older state of, is mended before anything is charged: at start, on each
 * new connection, and when something of it is missing. All measures are charged together, or none.
 * Refuses to guess: when Redis does not answer, every call rejects and delivery waits.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import {
  allowanceUs,
  type Bucket,
  CHARGE_PERIOD_MS,
  costUs,
  debtUs,
  type MessageClass,
  type PastCharge,
  uses,
  type Weight,
} from "../schedule/pace.ts";
import { credentialId, credentialKey } from "./credential-key.ts";

const SCRIPT = readFileSync(new URL("./gcra.lua", import.meta.url), "utf8");
const SCRIPT_SHA = createHash("sha1").update(SCRIPT).digest("hex");
const MINUTES = 60;

export interface PacerOptions {
  /** What it is connected by now (`stream`) is compared: another connection may lead to an older state. */
  readonly redis: Pick<Redis, "eval" | "evalsha" | "info" | "hgetall" | "stream">;
  /** The credential: what the relay service bills, whatever the account is called on other hosts. */
  readonly username: string;
  readonly buckets: readonly Bucket[];
  /** This host, to those who share the budget. */
  readonly instance: string;
  /** Whether other hosts may charge this budget too. */
  readonly shared: boolean;
  /** Of this host and credential, as far as is known; at least those of the last `CHARGE_PERIOD_MS`. */
  readonly chargesOfLastHour: () => Promise<readonly PastCharge[]>;
  readonly now: () => number;
}

type Mode = "ask" | "charge" | "refund" | "owe";
type Costs = readonly (readonly [bucket: Bucket, costUs: number])[];
type Answer = readonly [code: 0 | 1 | 2, waitUs: number];

const LEAST: Weight = { recipients: 1, bytes: 1 };
const LOST = 2;
const MENDS = 4;

/** A charge in words: taken, with how long the next one of its class has to wait at least, or how long to wait for it. */
export type Charged = { readonly charged: PastCharge; readonly nextMs: number } | { readonly waitMs: number };

export class Pacer {
  readonly #options: PacerOptions;
  readonly #key: string;
  readonly #credential: string;
  /** Charged, and not told to the journal yet; with how often the budget had been mended then. */
  readonly #open = new Map<PastCharge, number>();
  #mends = 0;
  #mending: Promise<void> | undefined;
  #doubts = 0;
  /** The connection and the doubts that were there when the budget was mended last. */
  #trusted: { readonly stream: unknown; readonly doubts: number } | undefined;

  constructor(options: PacerOptions) {
    this.#options = options;
    this.#key = credentialKey(options.username);
    this.#credential = credentialId(options.username);
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
    await this.#mendIfInDoubt();
    const costs = this.#costs(messageClass, LEAST);
    const [code, waitUs] = await this.#mended(() => this.#eval("ask", messageClass, costs));
    return code === 1 ? 0 : waitMs(waitUs);
  }

  /** Charges one message. With `waitMs` nothing was charged; else `settle` or `refund` must follow. */
  async charge(messageClass: MessageClass, weight: Weight): Promise<Charged> {
    const credential = this.#credential;
    const charged = { ...weight, class: messageClass, atMs: this.#options.now(), credential };
    if (this.unlimited) return { charged, nextMs: 0 };
    await this.#mendIfInDoubt();
    const costs = this.#costs(messageClass, weight);
    const [code, waitUs] = await this.#mended(async () => {
      this.#open.set(charged, this.#mends); // before the call: what comes back as an error may have been charged
      const answer = await this.#eval("charge", messageClass, costs);
      if (answer[0] !== 1) this.#open.delete(charged);
      return answer;
    });
    return code === 1 ? { charged, nextMs: waitUs / 1000 } : { waitMs: waitMs(waitUs) };
  }

  /** What was charged and is not told to the journal yet. */
  get open(): readonly PastCharge[] {
    return [...this.#open.keys()];
  }

  /** The journal has it. */
  settle(charged: PastCharge): void {
    this.#open.delete(charged);
  }

  /** No MAIL followed, and `afterMs` have gone by since it was asked for. */
  async refund(charged: PastCharge, afterMs: number): Promise<void> {
    const mends = this.#open.get(charged);
    this.#open.delete(charged);
    // What Redis holds now may never have been charged with it.
    if (mends === undefined || mends !== this.#mends || this.#inDoubt) return;
    // What leaked out meanwhile may have been somebody else's: to give it back would give it twice.
    const leakedUs = Math.ceil(afterMs * 1000);
    const costs = this.#costs(charged.class, charged).map(
      ([bucket, cost]) => [bucket, Math.max(0, cost - leakedUs)] as const,
    );
    await this.#eval("refund", charged.class, costs);
  }

  /** Redis may have come back with an older state: the journal is asked before the next charge. */
  distrust(): void {
    this.#doubts++;
  }

  /** Messages charged in the last 60 minutes by all hosts, to the minute. */
  async used(): Promise<number> {
    const minute = Math.floor(this.#options.now() / 60_000);
    const minutes = await this.#options.redis.hgetall(`${this.#key}:minutes`);
    const counted = Object.entries(minutes).filter(([at]) => Math.abs(minute - Number(at)) < MINUTES);
    return Math.max(
      0,
      counted.reduce((sum, [, count]) => sum + Number(count), 0),
    );
  }

  #costs(messageClass: MessageClass, weight: Weight): Costs {
    const buckets = this.#options.buckets.filter((bucket) => uses(bucket, messageClass));
    return buckets.map((bucket) => [bucket, costUs(bucket, weight)]);
  }

  get #inDoubt(): boolean {
    const { stream, doubts } = this.#trusted ?? {};
    return stream !== this.#options.redis.stream || doubts !== this.#doubts;
  }

  async #mendIfInDoubt(): Promise<void> {
    while (this.#inDoubt) await this.#mend();
  }

  /** What `call` answers, after mending when something is lost. */
  async #mended(call: () => Promise<Answer>): Promise<Answer> {
    for (let left = MENDS; left > 0; left--) {
      const answer = await call();
      if (answer[0] !== LOST) return answer;
      await this.#mend();
    }
    throw new Error(
      "Cannot charge as Redis loses the budget whenever it is mended: look at its memory and its users",
    );
  }

  #mend(): Promise<void> {
    this.#mending ??= this.#mendOnce().finally(() => {
      this.#mending = undefined;
    });
    return this.#mending;
  }

  /** Makes the budget owe at least what this host knows to be owed. */
  async #mendOnce(): Promise<void> {
    const { redis, buckets, chargesOfLastHour, shared, now } = this.#options;
    const trusted = { stream: redis.stream, doubts: this.#doubts };
    const run = shared ? runOf(await redis.info("server")) : "";
    const told = await chargesOfLastHour();
    // What was charged and never told: the call failed, or the attempt was cut off.
    for (const charge of this.#open.keys())
      if (charge.atMs < now() - CHARGE_PERIOD_MS) this.#open.delete(charge);
    const charges = [...new Set([...told, ...this.#open.keys()])].sort((a, b) => a.atMs - b.atMs);
    const debts = buckets.map((bucket) => [bucket, debtUs(bucket, charges, now())] as const);
    await this.#eval("owe", "bulk", debts, run);
    this.#mends++;
    this.#trusted = trusted;
  }

  async #eval(mode: Mode, messageClass: MessageClass, costs: Costs, run = ""): Promise<Answer> {
    const { redis, instance } = this.#options;
    const measures = costs.flatMap(([bucket, cost]) => [
      bucket.measure,
      cost,
      costUs(bucket, LEAST),
      allowanceUs(bucket),
    ]);
    const call = [
      2,
      this.#key,
      `${this.#key}:minutes`,
      mode,
      messageClass,
      instance,
      run,
      ...measures,
    ] as const;
    try {
      return (await redis.evalsha(SCRIPT_SHA, ...call)) as unknown as Answer;
    } catch (error) {
      if (!(error as Error).message.startsWith("NOSCRIPT")) throw error;
      return (await redis.eval(SCRIPT, ...call)) as unknown as Answer;
    }
  }
}

function waitMs(waitUs: number): number {
  return Math.max(1, Math.ceil(waitUs / 1000));
}

/** Which start of Redis this is: after another one, it may hold an older state. */
function runOf(info: string): string {
  return /^run_id:(\w+)/m.exec(info)?.[1] ?? "unknown";
}
