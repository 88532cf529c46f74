/**
 * Lines about the listener: is it the agent that listens where programs hand mail in, or another program.
 *
 * Promises: names the other program where this user may see it.
 */
import type { AgentSight } from "./agent.ts";
import { about, type Finding } from "./finding.ts";
import { type Holder, holdersOf } from "./listeners.ts";
import type { Patient } from "./patient.ts";

export function listenFindings({ listen }: Patient, agent: AgentSight): Promise<Finding[]> {
  return Promise.all(
    listen.map(async (place) => {
      const subject = place.host.includes(":")
        ? `[${place.host}]:${place.port}`
        : `${place.host}:${place.port}`;
      if (place.port === 0) {
        const remedy = "look for the event started in its log";
        return about("listen", subject).unknown(
          "port 0 is any free one: only the agent's log tells which",
          remedy,
        );
      }
      return listenFinding(subject, await holdersOf(place), agent);
    }),
  );
}

export function listenFinding(
  subject: string,
  holders: readonly Holder[] | undefined,
  { state, processId }: Pick<AgentSight, "state" | "processId">,
): Finding {
  const line = about("listen", subject);
  if (holders === undefined) {
    if (state !== "runs") return line.ok("free, for the agent to listen on");
    const remedy =
      "restart the agent and look for the event listening in its log, or remove it from listen.addresses";
    // The contract: an IPv6 that is missing is a warning.
    return subject.startsWith("[")
      ? line.warn("nobody listens there", remedy)
      : line.failed("nobody listens there", remedy);
  }
  const others = holders.filter((one) => one.processId !== processId && one.processId !== 1);
  if (processId !== undefined && holders.some((one) => one.processId === processId))
    return line.ok("the agent listens there");
  const [other] = others;
  if (other !== undefined) {
    const found = `taken by another program: ${other.name}, process ${other.processId}`;
    return line.failed(found, "stop that program, or choose another port in listen.addresses");
  }
  if (holders.length > 0) return line.ok("systemd listens there, for the agent");
  return line.unknown("somebody listens there, and this user may not see who", "run this as root");
}
