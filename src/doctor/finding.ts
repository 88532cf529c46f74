/**
 * What doctor says: one finding a line, with a remedy where something is not fine.
 *
 * Promises: the shape is stable, for programs to rely on; what cannot be told from here is a status of its own, never ok.
 */

/** The lines of doctor, in the order they are told. */
export const CHECKS = [
  "config",
  "password",
  "username",
  "senders",
  "clock",
  "spool",
  "redis",
  "dns",
  "port",
  "address",
  "tls",
  "certificate",
  "ehlo",
  "auth",
  "egress",
  "spf",
  "agent",
  "listen",
  "flow",
  "queue",
  "budget",
] as const;

export type Check = (typeof CHECKS)[number];
export type Status = "ok" | "warn" | "failed" | "unknown";

export interface Finding {
  readonly check: Check;
  readonly status: Status;
  /** What was looked at: a file, a host, an account, an address. */
  readonly subject: string;
  /** One sentence without its full stop; of an upstream's words, those it said. */
  readonly found: string;
  /** One sentence; null where everything is fine. */
  readonly remedy: string | null;
}

/** Makes the findings of one line of doctor about one subject. */
export function about(check: Check, subject: string) {
  const not = (status: Status) => (found: string, remedy: string) =>
    ({ check, status, subject, found, remedy }) satisfies Finding;
  return {
    ok: (found: string): Finding => ({ check, status: "ok", subject, found, remedy: null }),
    warn: not("warn"),
    failed: not("failed"),
    /** It cannot be told from here. */
    unknown: not("unknown"),
  };
}

/** Whether what was found is no reason to be called back. */
export function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every(({ status }) => status !== "failed");
}

/** In the order of the lines; findings of one line stay as they came. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => CHECKS.indexOf(a.check) - CHECKS.indexOf(b.check));
}
