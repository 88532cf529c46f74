/**
 * "Did you mean …?": the nearest of some known words to one that nobody knows.
 *
 * Promises: case, `_` and `-` do not count (message_size is messageSize); the answer is near enough to be worth a question.
 * Refuses: far guesses; for those there is no suggestion at all.
 */

/** The candidate nearest to `word`, or undefined when none is within a third of its letters (at least one). */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = plain(word);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const known = plain(candidate);
    // `user` is short for `username`, however far apart they are.
    const begun = wanted.length >= 3 && wanted !== known && known.startsWith(wanted);
    const distance = begun ? 1 : editDistance(wanted, known);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbours that make `b` of `a` (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, substitution);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}

function plain(word: string): string {
  return word.slice(0, 64).toLowerCase().replace(/[-_ ]/g, "");
}
