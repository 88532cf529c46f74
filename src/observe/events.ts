/**
 * One event, one call: the log line and the journal line together, and whoever listens hears of it.
 *
 * Promises: everything said of mail goes through `fact()`; everything said of sluice itself through
 * `report()`. Trouble with either, or with a listener, never reaches the caller; listeners hear of a fact after the turn
 * that told it, so that no reply to a client waits for them.
 */
import type { Fact } from "./facts.ts";
import type { Log } from "./log.ts";

/** Events of sluice itself, which the journal does not keep. */
export type AgentEvent =
  | "started"
  | "stopping"
  | "stopped"
  | "recovered"
  | "paced"
  | "breaker-opened"
  | "breaker-closed"
  | "reloaded"
  | "redis"
  | "listening"
  | "upstream"
  | "usage"
  | "trouble";

/** A fact, and when it was told, ISO 8601: a line of the journal. */
export type Told = Fact & { readonly at: string };

/** Where facts are kept; resolves when the line is written (not synced). */
export interface FactSink {
  append(fact: Told): Promise<void>;
}

export interface Events {
  /** Logs and journals a fact; resolves when the journal has it. Never rejects. */
  fact(fact: Fact): Promise<void>;
  /** Logs something about sluice itself. */
  report(
    event: AgentEvent,
    fields: Record<string, unknown>,
    level?: "debug" | "info" | "warn" | "error",
  ): void;
}

/** Events that others can listen to. */
export interface HeardEvents extends Events {
  /** From now on `listener` hears of every fact; the function that is given back ends that. */
  hear(listener: (told: Told) => void): () => void;
}

const WARNINGS: ReadonlySet<Fact["event"]> = new Set(["rejected", "bounced", "expired"]);

export interface EventsParts {
  readonly log: Log;
  readonly journal: FactSink;
  readonly now: () => number;
  /** What the log says in place of something; missing: just that. */
  readonly forLog?: (said: object) => object;
}

export function createEvents({ log, journal, now, forLog = (said) => said }: EventsParts): HeardEvents {
  const listeners = new Set<(told: Told) => void>();
  const trouble = (part: string) => (error: Error) =>
    log.error({ event: "trouble", part, reason: error.message });
  const tell = (told: Told) => {
    for (const listener of listeners) {
      try {
        listener(told);
      } catch (error) {
        trouble("listener of events")(error as Error);
      }
    }
  };
  return {
    async fact(fact) {
      const level = WARNINGS.has(fact.event) ? "warn" : fact.event === "finished" ? "debug" : "info";
      log[level](forLog(withoutSubject(fact)));
      const told = { at: new Date(now()).toISOString(), ...fact };
      const kept = journal.append(told).catch(trouble("journal"));
      queueMicrotask(() => tell(told));
      await kept;
    },
    report(event, fields, level = "info") {
      log[level](forLog({ event, ...fields }));
    },
    hear(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** A subject is kept for those who may read the journal; logs go further. */
function withoutSubject(fact: Fact): object {
  const { subject: _, ...told } = fact as Fact & { subject?: string };
  return told;
}
