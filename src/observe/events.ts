/**
 * One event, one call: the log line and the journal line together.
 *
 * Promises: everything said of mail goes through `fact()`; everything said of sluice itself through
 * `report()`. Trouble with either never reaches the caller.
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

/** Where facts are kept; resolves when the line is written (not synced). */
export interface FactSink {
  append(fact: Fact & { at: string }): Promise<void>;
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

const WARNINGS: ReadonlySet<Fact["event"]> = new Set(["rejected", "bounced", "expired"]);

export function createEvents(options: { log: Log; journal: FactSink; now: () => number }): Events {
  return {
    async fact(fact) {
      const level = WARNINGS.has(fact.event) ? "warn" : fact.event === "finished" ? "debug" : "info";
      options.log[level](withoutSubject(fact));
      await options.journal
        .append({ at: new Date(options.now()).toISOString(), ...fact })
        .catch((error: Error) =>
          options.log.error({ event: "trouble", part: "journal", reason: error.message }),
        );
    },
    report(event, fields, level = "info") {
      options.log[level]({ event, ...fields });
    },
  };
}

/** A subject is kept for those who may read the journal; logs go further. */
function withoutSubject(fact: Fact): object {
  const { subject: _, ...told } = fact as Fact & { subject?: string };
  return told;
}
