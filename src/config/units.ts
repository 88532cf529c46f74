/**
 * Sizes and durations as people write them in the config: `5MB`, `5MiB`, `30s`, `4d`.
 *
 * Promises: 5MB is 5,000,000 bytes and 5MiB is 5,242,880; what `format…` writes, `parse…` reads back to the same number.
 * Refuses: a bare number as a duration, `5M` (MB or MiB?), and whatever does not come out as whole bytes or milliseconds.
 */

/** Of `limits.messageSize`: what relay services take at most. */
export const defaultMessageSize = "5MB";

const SIZE_UNITS: ReadonlyMap<string, number> = new Map([
  ["TiB", 1024 ** 4],
  ["TB", 1e12],
  ["GiB", 1024 ** 3],
  ["GB", 1e9],
  ["MiB", 1024 ** 2],
  ["MB", 1e6],
  ["KiB", 1024],
  ["kB", 1000],
]);

const DURATION_UNITS: ReadonlyMap<string, number> = new Map([
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
]);

/** Bytes of `5MB`, `5 MiB`, `1.5GB` or a plain number of bytes; undefined when it is none of these. */
export function parseSize(text: string | number): number | undefined {
  return parseQuantity(`${text}`, (unit) => {
    if (unit === "" || unit === "b") return 1;
    return [...SIZE_UNITS].find(([name]) => name.toLowerCase() === unit)?.[1];
  });
}

/** Milliseconds of `30s`, `10m`, `1h`, `4d`, `500ms`; undefined when it is none of these. */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, (unit) => DURATION_UNITS.get(unit));
}

/** The shortest exact form: 5000000 is `5MB`, 5242880 is `5MiB`, 1234567 stays `1234567`. */
export function formatSize(bytes: number): string {
  return formatQuantity(bytes, SIZE_UNITS) ?? `${bytes}`;
}

/** The shortest exact form: 60000 is `1m`, 90000 is `90s`. */
export function formatDuration(ms: number): string {
  return formatQuantity(ms, DURATION_UNITS) ?? `${ms}ms`;
}

function parseQuantity(text: string, factorOf: (unit: string) => number | undefined): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,9})?) ?([a-z]*)$/.exec(text.trim().toLowerCase());
  const factor = match ? factorOf(match[2]!) : undefined;
  if (!match || factor === undefined) return undefined;
  const product = Number(match[1]) * factor;
  const whole = Math.round(product);
  // 1.1 * 1e6 is not exactly a whole number in binary: what is off by less than a millionth is rounding, not a fraction.
  return Math.abs(product - whole) < 1e-6 && Number.isSafeInteger(whole) ? whole : undefined;
}

function formatQuantity(value: number, units: ReadonlyMap<string, number>): string | undefined {
  if (value === 0) return undefined;
  const unit = [...units].find(([, factor]) => value % factor === 0);
  return unit && `${value / unit[1]}${unit[0]}`;
}
