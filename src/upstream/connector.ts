/**
 * Opens sessions for one account, at the first host that works.
 *
 * Promises: hosts are tried in order, those that failed lately last; a refused credential ends the round, as the
 * other hosts would refuse it too and count one more failure.
 */
import type { HostOrder } from "./hosts.ts";
import { type Opened, openSession, type SessionOptions } from "./open.ts";

/** Makes the function that opens a session; its signal ends the opening. */
export function connector(
  options: Omit<SessionOptions, "host">,
  hosts: HostOrder,
): (signal: AbortSignal) => Promise<Opened> {
  return async (signal) => {
    let last: Opened | undefined;
    for (const host of hosts.inOrder()) {
      last = await openSession({ ...options, host }, signal);
      if (last.ok) hosts.worked(host);
      else hosts.failed(host);
      if (last.ok || signal.aborted || options.judge(last.failure).scope === "account") return last;
    }
    if (!last) throw new Error("Cannot connect as no upstream host is configured");
    return last;
  };
}
