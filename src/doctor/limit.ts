/**
 * A limit for anything that is waited for.
 *
 * Promises: settles within the limit; what comes after it is thrown away, its failure too.
 */

/** What `asked` gives, or what `late` says when it takes longer than `limitMs`. */
export function withinLimit<T, U>(asked: Promise<T>, limitMs: number, late: () => U): Promise<T | U> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(late()), limitMs);
    asked.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
