/**
 * The feeder of one account: brings due messages to upstream sessions, at the pace.
 *
 *     run:   nothing due ─▶ sleep until something is
 *            breaker open, or no budget ─▶ sleep until it may be
 *            else open one more session (one after another, never more than there is work) ─▶ a lane on it
 *     lane:  while the session is good:  due? ─▶ budget? ─▶ fetch ─▶ deliver;  idle too long ─▶ QUIT
 *
 * Promises (P5): the budget is charged before a message is fetched, and MAIL follows within five seconds of its
 * charge; the next message out is the most urgent one at that moment; no job sleeps as active. A session says at
 * most `mailMax` MAIL. A failure of Redis or of the disk ends the lane, asks for recovery, and loses nothing.
 */
import type { Events } from "../observe/events.ts";
import type { Pacer } from "../pacing/pacer.ts";
import type { AccountQueue, Fetched } from "../queue/account-queue.ts";
import type { Opened } from "../upstream/open.ts";
import type { Session } from "../upstream/session.ts";
import { Budget, type Charge } from "./budget.ts";
import { type DeliverParts, deliver } from "./deliver.ts";
import type { Gate } from "./gate.ts";
import { Pause } from "./pause.ts";
import type { SessionSlots } from "./session-slots.ts";
import { Signal, WaitingRoom } from "./signal.ts";
import { Turnstile } from "./turnstile.ts";

const POLL_MS = 15_000; // a safety net: whatever makes a message due also wakes us
const IDLE_MS = 10_000;
const SESSION_AGE_MS = 300_000;
const MISSES = 3;

export interface FeederParts extends DeliverParts {
  readonly account: string;
  readonly queue: AccountQueue;
  readonly pacer: Pacer;
  readonly slots: SessionSlots;
  readonly events: Events;
  readonly gate: Gate;
  readonly connect: (signal: AbortSignal) => Promise<Opened>;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
  readonly onTrouble: (reason: string) => void;
}

export class Feeder {
  readonly #parts: FeederParts;
  readonly #budget: Budget;
  readonly #pause: Pause;
  readonly #changed = new Signal();
  readonly #lanes = new Set<Promise<void>>();
  readonly #idle = new WaitingRoom();
  readonly #inHand = new Set<string>();
  readonly #fetching = new Turnstile();
  readonly #sessions = new Set<Session>();
  /** Ends the opening of a session, while there is one. */
  #opening: AbortController | undefined;
  /** What `due` said last, less what was fetched since. */
  #waiting = 0;
  #ehlo = "";
  #stopping = false;
  #running: Promise<void> | undefined;

  constructor(parts: FeederParts) {
    this.#parts = parts;
    const { pacer, elapsed, events, account } = parts;
    const onPaced = (waitMs: number) => events.report("paced", { account, waiting: this.#waiting, waitMs });
    this.#budget = new Budget({ pacer, elapsed, onPaced });
    this.#pause = new Pause(elapsed);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Something became due, or may go on: look again. */
  wake(): void {
    this.#waiting = 0;
    this.#changed.wake();
    this.#idle.wakeAll();
  }

  /** Redis is there again: what failed because it was not, is tried at once. */
  resume(): void {
    this.#pause.over();
    this.#budget.distrust();
    this.wake();
  }

  /** Runs `work` while no message is being fetched: what is active then is in hand, or in nobody's. */
  whileNotFetching(work: () => Promise<void>): Promise<void> {
    return this.#fetching.closedWhile(work);
  }

  /** Why due messages wait just now, if something holds them all up. */
  get reason(): string | undefined {
    return this.#parts.gate.reason ?? this.#budget.reason;
  }

  inHand(id: string): boolean {
    return this.#inHand.has(id);
  }

  /**
   * Finishes what is in hand, then ends the sessions; cuts them when `deadline` fires. Resolves when nothing of
   * it runs any more.
   */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopping = true;
    this.#opening?.abort();
    this.wake();
    const cut = () => {
      for (const session of this.#sessions) void session.quit(); // in a transaction it only closes: then it is in doubt
    };
    deadline.addEventListener("abort", cut);
    if (deadline.aborted) cut();
    await this.#running;
    await Promise.all(this.#lanes);
    deadline.removeEventListener("abort", cut);
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      try {
        await this.#changed.wait(await this.#step());
      } catch (error) {
        this.#trouble(error as Error);
      }
    }
  }

  /** Opens at most one session; returns how long to wait before the next look, milliseconds. */
  async #step(): Promise<number> {
    const { queue, slots, gate } = this.#parts;
    if (this.#pause.leftMs > 0) return this.#pause.leftMs;
    // While nothing may be opened and nothing is open, each new message need not be looked at.
    if (this.#lanes.size === 0 && gate.waitMs > 0) return Math.min(POLL_MS, gate.waitMs);
    const { waiting, nextDueMs } = await queue.due(this.#parts.now());
    this.#waiting = waiting;
    if (waiting === 0)
      return Math.min(POLL_MS, Math.max(1, (nextDueMs ?? Number.POSITIVE_INFINITY) - this.#parts.now()));
    this.#idle.wakeAll();
    if (waiting <= this.#lanes.size) return POLL_MS;
    const pacedMs = await this.#budget.waitMs();
    // One session is enough to wait for the budget, and none when that takes longer than it may idle.
    if (pacedMs > 0 && (this.#lanes.size > 0 || pacedMs > IDLE_MS)) return Math.min(POLL_MS, pacedMs);
    const release = await slots.acquire();
    const gone = this.#stopping || this.#waiting <= 0; // waiting for a slot can take long
    const barred = gone ? 1 : gate.admit();
    const session = barred > 0 ? undefined : await this.#open();
    if (session) this.#startLane(session, release);
    else release();
    return Math.min(POLL_MS, barred);
  }

  async #open(): Promise<Session | undefined> {
    const { gate, connect, events, account } = this.#parts;
    const opening = new AbortController(); // it would end the session too: not kept beyond the opening
    this.#opening = opening;
    const opened = await connect(opening.signal);
    this.#opening = undefined;
    if (opened.ok) {
      gate.connected();
      const { id, upstream, tls, ehlo } = opened.session;
      const told = ehlo.join("\n");
      events.report(
        "upstream",
        { account, session: id, upstream, tls, ehlo },
        told === this.#ehlo ? "debug" : "info",
      );
      this.#ehlo = told; // what the service offers is told once, and when it changes
      return opened.session;
    }
    if (this.#stopping) gate.unused();
    else gate.refused(opened.failure);
    return undefined;
  }

  #startLane(session: Session, release: () => void): void {
    const probe = this.#parts.gate.probing;
    const lane = this.#lane(session)
      .catch((error: Error) => this.#trouble(error))
      .finally(async () => {
        if (probe) this.#parts.gate.unused(); // nothing, if its attempt told something
        this.#sessions.delete(session);
        await session.quit().catch(() => {});
        release();
        this.#lanes.delete(lane);
        this.#changed.wake();
      });
    this.#sessions.add(session);
    this.#lanes.add(lane);
  }

  /** The next message, in hand from the moment that it is active. */
  #fetch(): Promise<Fetched | undefined> {
    return this.#fetching.pass(async () => {
      const fetched = await this.#parts.queue.fetch();
      if (fetched) this.#inHand.add(fetched.id);
      return fetched;
    });
  }

  async #lane(session: Session): Promise<void> {
    const { queue } = this.#parts;
    const end = this.#elapsed() + SESSION_AGE_MS;
    let misses = 0;
    while (session.usable && !this.#stopping && this.#elapsed() < end) {
      if (this.#waiting <= 0) this.#waiting = (await queue.due(this.#parts.now())).waiting;
      if (this.#waiting <= 0) {
        if (await this.#idleOut()) return;
        continue;
      }
      const charge = await this.#charge();
      if (!charge) return;
      this.#waiting--;
      const fetched = await this.#fetch();
      if (!fetched) {
        this.#budget.giveBack(charge);
        this.#waiting = 0;
        // Another lane may have been quicker; that what is due is never to be had must not keep us busy.
        if (++misses === MISSES) return this.#pause.breath();
      } else if (!(await this.#one(session, fetched, charge))) return;
    }
  }

  /** Delivers one message; false when the session is of no use any more. */
  async #one(session: Session, fetched: Fetched, charge: Charge): Promise<boolean> {
    try {
      const attempted = await deliver(this.#parts, session, { fetched, mayStillMail: charge.valid });
      this.#pause.worked();
      if (!attempted.mailSaid) this.#budget.giveBack(charge);
      if (attempted.deferred) this.#changed.wake();
      const first = session.mails === (attempted.mailSaid ? 1 : 0);
      if (attempted.mailSaid || attempted.blamed) this.#parts.gate.attempted({ ...attempted, first });
      return attempted.blamed === undefined;
    } finally {
      this.#inHand.delete(fetched.id);
    }
  }

  /** Waits, idle, for something to do; true when the session should rather be closed. */
  async #idleOut(): Promise<boolean> {
    if (this.#parts.slots.contended || this.#stopping) return true;
    this.#changed.wake(); // so that somebody wakes us when the next one is due
    return !(await this.#idle.wait(IDLE_MS));
  }

  /** Takes a charge; undefined when another session, or none, should wait for the budget. */
  async #charge(): Promise<Charge | undefined> {
    while (!this.#stopping) {
      const taken = await this.#budget.take();
      if ("charge" in taken) return taken.charge;
      const leave = this.#stopping || this.#lanes.size > 1 || this.#parts.slots.contended;
      if (leave || taken.waitMs > IDLE_MS) return undefined;
      await this.#idle.wait(taken.waitMs);
    }
    return undefined;
  }

  #elapsed(): number {
    return this.#parts.elapsed();
  }

  #trouble(error: Error): void {
    this.#waiting = 0;
    this.#pause.trouble();
    this.#parts.onTrouble(error.message);
  }
}
