/**
 * Whether two processes decide alike: the command that reads the config file, and the agent that read it some time ago.
 *
 * Promises: the same settings give the same fingerprint; it tells nothing of them.
 * Leaves the host name out: a command may be run with another environment than the agent.
 */
import { createHash } from "node:crypto";
import type { DecisionSettings } from "./decide.ts";

export function policyFingerprint({ accounts, senders, urgent }: DecisionSettings): string {
  const deciding = {
    accounts: accounts.map(({ name, allowDomains }) => [name, allowDomains]),
    senders,
    urgent,
  };
  return createHash("sha256").update(JSON.stringify(deciding)).digest("hex").slice(0, 16);
}
