/**
 * What a service manager says to a program that it starts: where it listens (sd_notify(3)) and how long it may hear
 * nothing (sd_watchdog_enabled(3)).
 *
 * Refuses, as not there: addresses that are no unix socket, and a watchdog that is meant for another process.
 */
import type { Supervision } from "../observe/service-manager.ts";

/** Undefined where nobody wants to hear of us. */
export function supervisionOf(env: NodeJS.ProcessEnv, processId: number): Supervision | undefined {
  const socket = env.NOTIFY_SOCKET ?? "";
  if (!/^[/@]./.test(socket)) return undefined;
  const ours = env.WATCHDOG_PID === undefined || Number(env.WATCHDOG_PID) === processId;
  const watchdogMs = Number(env.WATCHDOG_USEC) / 1000;
  return { socket, watchdogMs: ours && watchdogMs >= 1 ? watchdogMs : undefined };
}
