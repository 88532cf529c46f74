/**
 * Whether mail flows, as the agent answers it, and as a terminal shows it under a list.
 *
 * Promises: the shape is stable, for programs to rely on; no byte of a stranger reaches the terminal as it came.
 */
import { visible } from "../mail/reply.ts";
import { timeOfDay } from "../observe/figures.ts";

/** What `GET /api/v1/health` answers. */
export interface HealthView {
  readonly ok: boolean;
  /**
   * Sentences; `nextProbe` (ISO 8601) where it is known when that is tried again; `code` for programs, `account` where
   * it is about one.
   */
  readonly reasons: readonly {
    readonly reason: string;
    readonly nextProbe: string | null;
    readonly code?: string;
    readonly account?: string;
  }[];
  /** What somebody should see to although mail flows: sentences. */
  readonly warnings: readonly string[];
}

/** A line for each reason and each warning; none while all is well. */
export function healthLines({ reasons, warnings }: HealthView): string[] {
  const stopped = reasons.map(({ reason, nextProbe }) => {
    const next = nextProbe === null ? "" : `; next probe at ${timeOfDay(new Date(nextProbe))}`;
    return `-- ${visible(reason, 200)}${next}`;
  });
  return [...stopped, ...warnings.map((warning) => `-- ${visible(warning, 400)}`)];
}
