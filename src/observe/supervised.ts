/**
 * A run under a service manager, as that sees it:
 *
 *     starting ──ready──▶ ready ◀──▶ reloading      STATUS= with every change, WATCHDOG=1 twice in its time
 *                           └──stopping──▶ stopping
 *
 * A sign of life is given when the event loop turned and the spool took a write; the relay service, Redis and DNS have no
 * part in it: a restart would not mend them. Neither would it make room on a disk that is full.
 * Promises: what the service manager could not take is said again; nothing waits for it. Where there is none, or it cannot
 * be reached (told once), all of this does nothing.
 */
import type { Events } from "./events.ts";
import { openServiceManager, type ServiceManager, type Supervision } from "./service-manager.ts";

const STATUS_MS = 5000;
/** Beyond what was asked for, so that what comes after it is not cut: Redis saves, files are closed. */
const STOP_ROOM_MS = 15_000;
/** open(2), write(2): the disk works, and is full. */
const NO_ROOM: ReadonlySet<string | undefined> = new Set(["ENOSPC", "EDQUOT"]);

export interface SupervisedParts {
  readonly watchdogMs: number | undefined;
  /** One line for `systemctl status`, which everybody may read: no address. */
  readonly status: () => string;
  /** Rejects with the system's error when no mail could be written to the disk. */
  readonly tryWrite: () => Promise<void>;
  readonly events: Pick<Events, "report">;
}

type State = "starting" | "ready" | "reloading" | "stopping";

export class Supervised implements Disposable {
  readonly #manager: ServiceManager | undefined;
  readonly #parts: SupervisedParts;
  readonly #timers: NodeJS.Timeout[] = [];
  #state: State = "starting";
  #said = "";
  #trying = false;
  #reason = "";

  constructor(manager: ServiceManager | undefined, parts: SupervisedParts) {
    this.#manager = manager;
    this.#parts = parts;
  }

  /** Mail is taken. */
  ready(): void {
    this.#enter("ready");
    if (!this.#manager) return;
    const { watchdogMs } = this.#parts;
    this.#timers.push(setInterval(() => this.#say(), STATUS_MS).unref());
    if (watchdogMs === undefined) return;
    void this.#signOfLife();
    this.#timers.push(setInterval(() => void this.#signOfLife(), watchdogMs / 2).unref());
  }

  /** Says so while `work` is done. */
  async reloading(work: () => Promise<void>): Promise<void> {
    this.#enter("reloading");
    await work();
    if (this.#state === "reloading") this.#enter("ready");
  }

  /** It may take `withinMs`, and what is cut then a little longer. */
  stopping(withinMs: number): void {
    this.#enter("stopping");
    // EXTEND_TIMEOUT_USEC: `stopTimeout` may be more than the unit's TimeoutStopSec=
    this.#manager?.tell(`EXTEND_TIMEOUT_USEC=${Math.round((withinMs + STOP_ROOM_MS) * 1000)}`);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#manager?.[Symbol.dispose]();
  }

  #enter(state: State): void {
    this.#state = state;
    this.#said = "";
    this.#say();
  }

  #say(): void {
    const lines = this.#lines();
    const text = lines.join("\n");
    if (text !== this.#said && this.#manager?.tell(...lines)) this.#said = text;
  }

  #lines(): string[] {
    switch (this.#state) {
      case "starting":
        return ["STATUS=starting"];
      case "ready":
        return ["READY=1", `STATUS=${this.#parts.status()}`];
      case "reloading": {
        // sd_notify(3): CLOCK_MONOTONIC, by which the service manager knows which reload this is
        const sinceUs = process.hrtime.bigint() / 1000n;
        return ["RELOADING=1", `MONOTONIC_USEC=${sinceUs}`, "STATUS=reading the config"];
      }
      case "stopping":
        return ["STOPPING=1", "STATUS=finishing what is in hand"];
    }
  }

  async #signOfLife(): Promise<void> {
    if (this.#trying) return; // the disk does not answer
    this.#trying = true;
    try {
      await this.#parts.tryWrite();
      this.#reason = "";
      this.#manager?.tell("WATCHDOG=1");
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (NO_ROOM.has(code)) this.#manager?.tell("WATCHDOG=1");
      else this.#complain(message);
    } finally {
      this.#trying = false;
    }
  }

  #complain(reason: string): void {
    if (reason === this.#reason) return;
    this.#reason = reason;
    const words = `the service manager hears nothing, and restarts sluice, while the spool takes no write: ${reason}`;
    this.#parts.events.report("trouble", { part: "watchdog", reason: words }, "error");
  }
}

/** Never rejects. */
export async function supervised(
  supervision: Supervision | undefined,
  parts: Omit<SupervisedParts, "watchdogMs">,
): Promise<Supervised> {
  const watchdogMs = supervision?.watchdogMs;
  try {
    const manager = supervision && (await openServiceManager(supervision.socket));
    return new Supervised(manager, { ...parts, watchdogMs });
  } catch (error) {
    const reason = `the service manager cannot be told anything: ${(error as Error).message}`;
    parts.events.report("trouble", { part: "supervision", reason }, "warn");
    return new Supervised(undefined, { ...parts, watchdogMs });
  }
}
