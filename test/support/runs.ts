/**
 * How long the long tests are: as long as they say in an ordinary run, `SLUICE_SOAK` times as long in `npm run soak`.
 */

/** A number of runs or rounds, or a limit in milliseconds, as often as this run wants it. */
export function soaked(ordinary: number): number {
  return Math.ceil(ordinary * Math.max(1, Number(process.env.SLUICE_SOAK ?? 1)));
}
