/**
 * The feeder of one account: opens upstream sessions while there is mail for them, a lane on each.
 *
 *     nothing due ─▶ sleep until something is
 *     breaker open, or no budget ─▶ sleep until it may be
 *     else open one more session (one after another, never more than there is work) ─▶ a lane on it (lane.ts)
 *
 * Promises: never more sessions than slots; a failure of Redis or of the disk ends a lane, asks for recovery, and loses
 * nothing; it knows how long nothing moved although it should have. `stop` leaves nothing running.
 */
import type { Events } from "../observe/events.ts";
import type { PastCharge } from "../schedule/pace.ts";
import type { Opened } from "../upstream/open.ts";
import type { Session } from "../upstream/session.ts";
import { IDLE_MS, type LaneParts, runLane } from "./lane.ts";
import { type InLine, type Outlook, outlookOf } from "./outlook.ts";
import { Work, type WorkParts } from "./work.ts";

const POLL_MS = 15_000; // a safety net: whatever makes a message due also wakes us
/** How long open sessions are waited for before one more is opened. */
const BUSY_MS = 1000;

export interface FeederParts extends Omit<LaneParts, "stopping" | "lanes">, WorkParts {
  readonly events: Events;
  readonly connect: (signal: AbortSignal) => Promise<Opened>;
  readonly onTrouble: (reason: string) => void;
}

export class Feeder {
  readonly #parts: FeederParts;
  readonly #laneParts: LaneParts;
  readonly #work: Work;
  readonly #lanes = new Set<Promise<void>>();
  readonly #sessions = new Set<Session>();
  /** Ends the opening of a session, while there is one. */
  #opening: AbortController | undefined;
  #ehlo = "";
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(parts: FeederParts) {
    this.#parts = parts;
    this.#work = new Work(parts);
    this.#laneParts = { ...parts, stopping: () => this.#stop.signal.aborted, lanes: () => this.#lanes.size };
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Something became due, or may go on: look again. */
  wake(): void {
    this.#work.wake();
  }

  /** Redis is there again: what failed because it was not, is tried at once. */
  resume(): void {
    this.#work.pause.over();
    this.#work.budget.distrust();
    this.wake();
  }

  /** What it was charged and is not in the journal yet. */
  get openCharges(): readonly PastCharge[] {
    return this.#parts.pacer.open;
  }

  /** When these messages, which wait, will go, and why not now. */
  outlook(messages: readonly InLine[]): Promise<Outlook> {
    return outlookOf(this.#parts, this.#work, messages);
  }

  /** Of the hour's budget, over every host that shares it; null when the pace is unlimited. */
  async budget(): Promise<{ readonly used: number; readonly perHour: number } | null> {
    const { pacer } = this.#parts;
    return Number.isFinite(pacer.perHour) ? { used: await pacer.used(), perHour: pacer.perHour } : null;
  }

  /** Upstream sessions that are open now. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** How long nothing moved although mail is due, there is budget and no breaker is open; milliseconds. */
  get stillMs(): number {
    return this.#work.stillMs;
  }

  /**
   * Finishes what is in hand, then ends the sessions; cuts them when `deadline` fires. Resolves when nothing of
   * it runs any more.
   */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#stop.abort();
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
    while (!this.#stop.signal.aborted) {
      try {
        await this.#work.changed.wait(await this.#step());
      } catch (error) {
        this.#trouble(error as Error);
      }
    }
  }

  /** Opens at most one session; returns how long to wait before the next look, milliseconds. */
  async #step(): Promise<number> {
    const { slots, gate, now } = this.#parts;
    const work = this.#work;
    if (work.pause.leftMs > 0) return work.pause.leftMs;
    // While nothing may be opened and nothing is open, each new message need not be looked at.
    if (this.#lanes.size === 0 && gate.waitMs > 0) return this.#waitFor(gate.waitMs);
    const { waiting, nextDueMs } = await work.look();
    if (waiting === 0) return this.#waitFor((nextDueMs ?? Number.POSITIVE_INFINITY) - now());
    work.idle.wakeAll();
    // A lane that has been at one message for long is no help to the others.
    if (waiting <= this.#lanes.size - work.longInHand) return BUSY_MS;
    const may = await work.mayFetch();
    const pacedMs = "waitMs" in may ? may.waitMs : 0;
    // One session is enough to wait for the budget, and none when that takes longer than it may idle.
    if (pacedMs > 0 && (this.#lanes.size > 0 || pacedMs > IDLE_MS)) return this.#waitFor(pacedMs);
    const release = await slots.acquire(this.#stop.signal);
    if (!release) return 0;
    let session: Session | undefined;
    try {
      const gone = this.#stop.signal.aborted || work.waiting <= 0; // waiting for a slot can take long
      const barredMs = gone ? 1 : gate.admit();
      if (barredMs > 0) return Math.min(POLL_MS, barredMs);
      session = await this.#open();
      return 0;
    } finally {
      if (session) this.#startLane(session, release);
      else release();
    }
  }

  /** There is a reason to wait: that is no standstill. */
  #waitFor(ms: number): number {
    this.#work.moved();
    return Math.min(POLL_MS, Math.max(1, ms));
  }

  async #open(): Promise<Session | undefined> {
    const { gate, connect, events, account } = this.#parts;
    const opening = new AbortController(); // it would end the session too: not kept beyond the opening
    this.#opening = opening;
    const opened = await connect(opening.signal).catch((error: Error) => {
      gate.unused();
      throw error;
    });
    this.#opening = undefined;
    this.#work.moved();
    if (opened.ok) {
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
    if (this.#stop.signal.aborted) gate.unused();
    else gate.refused(opened.failure);
    return undefined;
  }

  #startLane(session: Session, release: () => void): void {
    const probe = this.#parts.gate.probing;
    const lane = runLane(this.#laneParts, this.#work, session)
      .catch((error: Error) => this.#trouble(error))
      .finally(async () => {
        if (probe) this.#parts.gate.unused(); // nothing, if its attempt told something
        this.#sessions.delete(session);
        await session.quit().catch(() => {});
        release();
        this.#lanes.delete(lane);
        this.#work.changed.wake();
      });
    this.#sessions.add(session);
    this.#lanes.add(lane);
  }

  #trouble(error: Error): void {
    this.#work.nothingDue();
    this.#work.pause.trouble();
    this.#parts.onTrouble(error.message);
  }
}
