/**
 * Moments as people write them: a time of day, a date, both, or how long ago.
 *
 * Promises: pure; local time where no zone is written; the end of what was written is the last millisecond of that
 * second, minute or day, so that `9:14` as an end has all of 9:14 in it.
 * Refuses, with a sentence, what is none of these, and a day that the calendar does not have.
 */
import { parseDuration } from "../config/units.ts";

/** From its beginning to its end, milliseconds since 1970. */
export interface Moment {
  readonly fromMs: number;
  readonly toMs: number;
}

export const MOMENT_FORMS =
  "write a time (9:14), a date (2026-03-31), both (2026-03-31 9:14) or 90m, 2h, 3d for ago";

const DATE = "(\\d{4})-(\\d\\d)-(\\d\\d)";
const TIME = "(\\d{1,2}):(\\d\\d)(?::(\\d\\d)(?:\\.\\d{1,3})?)?";
const TIME_OF_DAY = new RegExp(`^${TIME}$`);
const LOCAL = new RegExp(`^${DATE}(?:[ T]${TIME})?$`);
const WITH_ZONE = new RegExp(`^${DATE}T${TIME}(?:Z|[+-]\\d\\d:\\d\\d)$`);
const [SECOND_MS, MINUTE_MS] = [1000, 60_000];

/** Reads a moment; undefined when it is none. */
export function parseMoment(text: string, nowMs: number): Moment | undefined {
  const agoMs = parseDuration(text);
  if (agoMs !== undefined) return { fromMs: nowMs - agoMs, toMs: nowMs - agoMs };
  if (WITH_ZONE.test(text)) {
    const atMs = Date.parse(text);
    return Number.isNaN(atMs) ? undefined : { fromMs: atMs, toMs: atMs };
  }
  const time = TIME_OF_DAY.exec(text);
  if (time) {
    const today = new Date(nowMs);
    return localMoment([today.getFullYear(), today.getMonth() + 1, today.getDate()], time.slice(1));
  }
  const [, year, month, day, ...rest] = LOCAL.exec(text) ?? [];
  return year === undefined ? undefined : localMoment([Number(year), Number(month), Number(day)], rest);
}

function localMoment(
  [year, month, day]: readonly [number, number, number],
  [hour, minute, second]: readonly (string | undefined)[],
): Moment | undefined {
  const at = new Date(year, month - 1, day, Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0));
  const asWritten = at.getMonth() === month - 1 && at.getDate() === day;
  if (!asWritten || Number(hour ?? 0) > 23 || Number(minute ?? 0) > 59 || Number(second ?? 0) > 59)
    return undefined;
  const fromMs = at.getTime();
  if (hour === undefined) return { fromMs, toMs: new Date(year, month - 1, day + 1).getTime() - 1 };
  return { fromMs, toMs: fromMs + (second === undefined ? MINUTE_MS : SECOND_MS) - 1 };
}
