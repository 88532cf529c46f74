/**
 * The messages of one account that lanes have in hand, whichever feeder the lanes are of: one that is replaced finishes
 * what it has while the next one works already.
 *
 * Promises: a message is in hand from the moment that its job is active until `done`, also when the next lane has its job
 * before the one that put it back is done. No two lanes work on a message, though it may have two jobs for a while (policy
 * gave it another class while its first one was on the way): the second one is over when it is fetched.
 */
import type { AccountQueue, Fetched } from "../queue/account-queue.ts";
import type { MessageClass } from "../schedule/pace.ts";
import { Turnstile } from "./turnstile.ts";

export class Hands {
  readonly #held = new Set<Fetched>();
  readonly #fetching = new Turnstile();

  /** The next message, in hand from now on: `done` must follow. */
  fetch(
    queue: Pick<AccountQueue, "fetch" | "complete">,
    messageClass: MessageClass,
  ): Promise<Fetched | undefined> {
    return this.#fetching.pass(async () => {
      const fetched = await queue.fetch(messageClass);
      if (!fetched) return undefined;
      // A job of the same class is the same job, put back a moment ago.
      if ([...this.#held].some((held) => held.id === fetched.id && held.class !== fetched.class)) {
        await queue.complete(fetched);
        return undefined;
      }
      this.#held.add(fetched);
      return fetched;
    });
  }

  done(fetched: Fetched): void {
    this.#held.delete(fetched);
  }

  has(id: string): boolean {
    for (const held of this.#held) if (held.id === id) return true;
    return false;
  }

  /** Runs `work` while no message is being fetched: what is active then is in hand, or in nobody's. */
  whileNotFetching<T>(work: () => Promise<T>): Promise<T> {
    return this.#fetching.closedWhile(work);
  }
}
