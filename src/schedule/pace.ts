/**
 * How fast an account's mail may go out (config `accounts[].pace`).
 */

/** At most `perHour` messages in any 60 minutes, `burst` of them at once after a quiet spell. */
export type Pace =
  | { readonly kind: "unlimited" }
  | { readonly kind: "paced"; readonly perHour: number; readonly burst: number };
