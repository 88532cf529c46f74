/**
 * What the delivering half does now and then, besides delivering: old bounced mail is cleared away, digests of notices
 * are sent, the contract's year is added up, the wall clock and progress are watched.
 *
 * Promises: trouble with one is told and tried again the next time; `end` ends all of it.
 */
import type { Config } from "../config/config.ts";
import type { Events } from "../observe/events.ts";
import type { Redis } from "../queue/redis.ts";
import { watchClock } from "./clock-watch.ts";
import { every } from "./every.ts";
import type { Notices } from "./notices.ts";
import { elapsed, type Standing } from "./standing.ts";
import { type SweepParts, sweepBounced } from "./sweep.ts";
import type { Watchdog } from "./watchdog.ts";

const SWEEP_MS = 600_000;
const DIGEST_MS = 60_000;
const YEAR_MS = 5000;

export interface UpkeepParts {
  readonly config: () => Config;
  readonly sweep: Omit<SweepParts, "keepMs">;
  readonly notices: Pick<Notices, "sendDigests">;
  readonly years: Pick<Standing["years"], "look">;
  readonly watchdog: Watchdog;
  readonly redis: Redis;
  readonly events: Events;
  readonly clockSet: () => void;
  readonly tell: (reason: string) => void;
}

/** Begins; gives what ends it. */
export function startUpkeep(parts: UpkeepParts): () => void {
  const { config, sweep, notices, years, watchdog, redis, events, clockSet, tell } = parts;
  const sweeping = { ...sweep, keepMs: () => config().keep.bouncedMs };
  const ends = [
    every(SWEEP_MS, () => sweepBounced(sweeping), tell),
    every(DIGEST_MS, () => notices.sendDigests(), tell),
    every(YEAR_MS, () => years.look(redis), tell),
    watchClock({ now: Date.now, elapsed }, events, clockSet),
  ];
  watchdog.start();
  return () => {
    watchdog.stop();
    for (const end of ends) end();
  };
}
