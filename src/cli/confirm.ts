/**
 * Asking a person before something that cannot be undone.
 *
 * Promises: only y or yes is yes; the question goes to `output`, so that stdout stays for what a program reads.
 * Refuses to guess: an input that ends without an answer is no.
 */
import { createInterface } from "node:readline/promises";
import type { Readable, Writable } from "node:stream";

/** True when the answer to `question` is yes. */
export async function confirmed(
  question: string,
  { input, output }: { readonly input: Readable; readonly output: Writable },
): Promise<boolean> {
  const lines = createInterface({ input, output });
  const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
  try {
    const answer = await Promise.race([lines.question(`${question} [y/N] `), ended]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
