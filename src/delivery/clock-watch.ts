/**
 * Notices that the wall clock was set: it is ticked against the monotonic one.
 *
 * Promises: a jump of more than a minute, either way, is told once, within `TICK_MS`. A clock that is slewed, or a
 * process that was stopped (both clocks go on then), is no jump.
 */
import type { Events } from "../observe/events.ts";

const TICK_MS = 5000;
const JUMP_MS = 60_000;

/** Tells each jump, and calls `onJump` after it. Returns the function that ends it. */
export function watchClock(
  clocks: { readonly now: () => number; readonly elapsed: () => number },
  events: Pick<Events, "report">,
  onJump: () => void,
): () => void {
  const offset = () => clocks.now() - clocks.elapsed();
  let before = offset();
  const timer = setInterval(() => {
    const jumpMs = offset() - before;
    before += jumpMs; // slow drift is followed, so that it never adds up to a jump
    if (Math.abs(jumpMs) <= JUMP_MS) return;
    const reason = `the wall clock was set by ${Math.round(jumpMs / 1000)} s; due times are derived again`;
    events.report("trouble", { part: "clock", reason }, "warn");
    onJump();
  }, TICK_MS).unref();
  return () => clearInterval(timer);
}
