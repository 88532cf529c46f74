/**
 * The identities of a message as the relay service knows them.
 *
 * A pair is (envelope sender, header From); the service allows known pairs only.
 */
import type { Address } from "./address.ts";

/** (envelope sender, header From) as the relay service allows it. */
export interface Pair {
  readonly envelope: Address;
  readonly header: Address;
}

/** What goes to the upstream in MAIL and RCPT. */
export interface Envelope {
  readonly sender: Address;
  readonly recipients: readonly Address[];
}
