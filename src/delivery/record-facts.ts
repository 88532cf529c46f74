/**
 * What is told of a record in a message's file that is no attempt: given up by age, or changed by an operator.
 */
import type { Fact } from "../observe/facts.ts";
import { mailOf, type SpoolEntry, type SpoolRecord } from "../spool/entry.ts";

/** The fact that log and journal get; undefined for records that are told otherwise, or not at all. */
export function recordFact(entry: SpoolEntry, record: SpoolRecord): Fact | undefined {
  const { timeMs } = entry;
  const common = mailOf(entry);
  const byOperator = { ...common, by: "operator" } as const;
  switch (record.event) {
    case "held":
      return { event: "held", ...byOperator, reason: record.reason };
    case "released":
      return { event: "released", ...byOperator, verb: "release" };
    case "retried":
      return { event: "released", ...byOperator, verb: "retry" };
    case "bounced": {
      const { recipients, reason } = record;
      const delay = Math.round((record.at - timeMs) / 100) / 10;
      return { event: "bounced", ...byOperator, recipients, reason, delay };
    }
    case "expired": {
      const { recipients, reason } = record;
      const delay = Math.round((record.at - timeMs) / 1000);
      return { event: "expired", ...common, recipients, reason, delay };
    }
    case "repolicied": {
      const { was, now, rule, why, hold } = record;
      const { account, envelope: sender, from, class: name } = now;
      const held = hold === undefined ? {} : { hold };
      const so = { account, sender, from, class: name };
      return { event: "repolicied", ...byOperator, ...so, was, rule, why, ...held };
    }
    case "dot":
    case "attempt":
    case "noticed":
      return undefined;
  }
}
