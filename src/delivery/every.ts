/** Work that comes again and again, and work that is tried until it is done: never twice at a time, its trouble told. */
import { setTimeout as sleep } from "node:timers/promises";

/** Does `work` now and every `ms`. Returns the function that ends it; what is under way is not cut off. */
export function every(
  ms: number,
  work: () => Promise<void>,
  onTrouble: (reason: string) => void,
): () => void {
  let running = false;
  const once = async () => {
    if (running) return;
    running = true;
    await work().catch((error: Error) => onTrouble(error.message));
    running = false;
  };
  const timer = setInterval(() => void once(), ms).unref();
  void once();
  return () => clearInterval(timer);
}

/** Does `work`, again after `retryMs` each time that it rejects, until it resolves or `over`. */
export async function untilDone(
  work: () => Promise<void>,
  how: { readonly retryMs: number; readonly over: () => boolean; readonly tell: (reason: string) => void },
): Promise<void> {
  while (!how.over()) {
    try {
      return await work();
    } catch (error) {
      how.tell((error as Error).message);
      await sleep(how.retryMs, undefined, { ref: false });
    }
  }
}
