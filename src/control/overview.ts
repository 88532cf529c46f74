/**
 * How sluice stands, on one page: the shape of `GET /api/v1/overview`, for the status page and `sluice` without a command.
 *
 * Promises: the shape is stable, for programs to rely on; times ISO 8601, ages in seconds, sizes in bytes, counts whole.
 */
import type { HealthView } from "./health-text.ts";
import type { ShownState } from "./queue-view.ts";

export interface Overview {
  readonly version: string;
  readonly hostname: string;
  readonly now: string;
  readonly startedAt: string;
  readonly health: HealthView;
  readonly queue: {
    readonly states: Record<ShownState, number>;
    /** Age of the oldest message that still waits, seconds. */
    readonly oldest: number | null;
  };
  readonly accounts: readonly AccountOverview[];
  /** The last 24 clock hours of this host, oldest first, the hour under way last; hours without mail included. */
  readonly hours: readonly HourOverview[];
  /** The last few facts that somebody should see, newest first: refused, bounced, expired, deferred, held. */
  readonly failures: readonly FailureOverview[];
}

export interface AccountOverview {
  readonly name: string;
  /** Of the hour's budget, over every host that shares Redis; null: unlimited, or not known while Redis is away. */
  readonly budget: { readonly used: number; readonly perHour: number } | null;
  /** Its breaker. */
  readonly state: "open" | "closed" | "probing";
  /** Upstream sessions open now. */
  readonly sessions: number;
  /** The contract's year; null without `pace.perYear`. */
  readonly year: YearOverview | null;
}

export interface YearOverview {
  readonly from: string;
  readonly to: string;
  readonly at: "warn" | "hold";
  readonly messages: { readonly used: number; readonly limit: number | null; readonly forecast: number };
  readonly bytes: { readonly used: number; readonly limit: number | null; readonly forecast: number };
  /** Used up to the end of each day so far, for the burn-down. */
  readonly days: readonly { readonly day: string; readonly messages: number; readonly bytes: number }[];
}

export interface HourOverview {
  readonly at: string;
  readonly urgent: number;
  readonly bulk: number;
  readonly refused: number;
  /** The sum of the accounts' `perHour`; null when one of them is unlimited. */
  readonly cap: number | null;
}

export interface FailureOverview {
  readonly at: string;
  readonly event: "rejected" | "bounced" | "expired" | "deferred" | "held";
  /** Queue id; null for what never had one. */
  readonly id: string | null;
  readonly sender: string | null;
  readonly recipients: readonly string[];
  readonly user: string | null;
  /** The upstream's words, or ours. */
  readonly reason: string;
}
