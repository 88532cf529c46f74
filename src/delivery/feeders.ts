/**
 * The feeders of all accounts, as the config in force wants them.
 *
 *     use(config): of a new account ─▶ one begins; what it works by changed ─▶ another takes its place;
 *                  of an account that is gone ─▶ it ends
 *
 * Promises: a feeder that is replaced finishes what it has in hand by the config it began with, fetches nothing more, and
 * counts as in hand and as a user of sessions until it has ended. Both at once never have more sessions than there are slots.
 */
import type { Account, Config } from "../config/config.ts";
import { HostOrder } from "../upstream/hosts.ts";
import { type AccountParts, accountFeeder } from "./account.ts";
import type { Feeder } from "./feeder.ts";
import { Hands } from "./hands.ts";
import { SessionSlots } from "./session-slots.ts";

export interface FeedersParts {
  /** What the feeder of an account is made of, besides what is made here. */
  readonly partsOf: (
    account: string,
  ) => Omit<AccountParts, "slots" | "hosts" | "hands" | "config" | "openCharges" | "ending">;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
}

export class Feeders {
  readonly #parts: FeedersParts;
  readonly #current = new Map<string, Feeder>();
  /** Replaced, and not ended yet. */
  readonly #retired = new Map<Feeder, Promise<void>>();
  /** What the lanes of each account have, over all of its feeders. */
  readonly #hands = new Map<string, Hands>();
  /** What each works by. */
  readonly #basis = new Map<string, string>();
  readonly #slots = new SessionSlots(1);
  #hosts: HostOrder | undefined;
  /** Ends what is replaced when everything ends. */
  readonly #cut = new AbortController();
  #stopped = false;

  constructor(parts: FeedersParts) {
    this.#parts = parts;
  }

  /** Those in use, by account. It is the same map always. */
  get current(): ReadonlyMap<string, Feeder> {
    return this.#current;
  }

  /** Goes on by this config: the queue of each of its accounts is there. */
  use(config: Config): void {
    if (this.#stopped) return;
    const { hosts, sessions } = config.upstream;
    this.#slots.resize(sessions);
    if (!this.#hosts?.isOf(hosts)) this.#hosts = new HostOrder(hosts, this.#parts.elapsed);
    const openCharges = () => this.#all.flatMap((feeder) => feeder.openCharges);
    const ending = () => this.#stopped;
    const shared = { slots: this.#slots, hosts: this.#hosts, config, openCharges, ending };
    const wanted = new Map(config.accounts.map((account) => [account.name, account]));
    for (const name of [...this.#current.keys()]) if (!wanted.has(name)) this.#retire(name);
    for (const [name, account] of wanted) {
      const basis = basisOf(account, config);
      if (this.#current.has(name) && this.#basis.get(name) === basis) continue;
      this.#retire(name);
      const feeder = accountFeeder(account, {
        ...this.#parts.partsOf(name),
        ...shared,
        hands: this.#handsOf(name),
      });
      this.#current.set(name, feeder);
      this.#basis.set(name, basis);
      feeder.start();
    }
  }

  /** Is this message in a lane's hands, also one that is about to end? */
  inHand(id: string): boolean {
    return [...this.#hands.values()].some((hands) => hands.has(id));
  }

  wake(account: string | null): void {
    this.#current.get(account ?? "")?.wake();
  }

  wakeAll(): void {
    for (const feeder of this.#current.values()) feeder.wake();
  }

  /** Redis is there again. */
  resume(): void {
    for (const feeder of this.#current.values()) feeder.resume();
  }

  /** Runs `work` while nobody fetches a message of the account: what is active then is in hand, or in nobody's. */
  whileNotFetching<T>(account: string, work: () => Promise<T>): Promise<T> {
    return this.#handsOf(account).whileNotFetching(work);
  }

  /** Finishes what is in hand, cuts it when `deadline` fires; none begins any more. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopped = true;
    const cut = () => this.#cut.abort();
    deadline.addEventListener("abort", cut);
    if (deadline.aborted) cut();
    for (const name of [...this.#current.keys()]) this.#retire(name);
    await Promise.all(this.#retired.values());
    deadline.removeEventListener("abort", cut);
  }

  #handsOf(account: string): Hands {
    const hands = this.#hands.get(account) ?? new Hands();
    this.#hands.set(account, hands);
    return hands;
  }

  get #all(): readonly Feeder[] {
    return [...this.#current.values(), ...this.#retired.keys()];
  }

  #retire(account: string): void {
    const feeder = this.#current.get(account);
    if (!feeder) return;
    this.#current.delete(account);
    const ended = feeder.stop(this.#cut.signal).finally(() => this.#retired.delete(feeder));
    this.#retired.set(feeder, ended);
  }
}

/** What a feeder is made from: the same text, the same feeder. Passwords are looked up when they are used. */
function basisOf(
  { name, username, pace }: Account,
  { hostname, upstream, retry, limits, redis }: Config,
): string {
  const replies = upstream.replies.map(({ match, ...rule }) => ({ ...rule, match: String(match) }));
  const { messageSizeBytes } = limits;
  const basis = {
    name,
    username,
    pace,
    hostname,
    upstream: { ...upstream, replies },
    retry,
    messageSizeBytes,
  };
  return JSON.stringify({ ...basis, shared: redis.kind });
}
