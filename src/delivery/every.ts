/** Work that comes again and again: begun at once, never twice at a time, its trouble told. */

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
