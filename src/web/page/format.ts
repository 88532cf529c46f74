/**
 * Numbers, times and strangers' text as the pages show them: en-GB, the reader's own time zone, tabular.
 *
 * Promises: pure but for the time zone; a character that could reorder, hide or break a line is shown as its code.
 */
const NUMBER = new Intl.NumberFormat("en-GB");
const COMPACT = new Intl.NumberFormat("en-GB", { notation: "compact", maximumSignificantDigits: 3 });
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const HOUR = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const BYTE_UNITS = ["B", "KB", "MB", "GB", "TB", "PB"];

/** 1,204 */
export function number(n: number): string {
  return NUMBER.format(n);
}

/** 2.5k, 1.2M, where there is no room for more. */
export function compact(n: number): string {
  return COMPACT.format(n).replace("m", "M");
}

/** "1 message", "2 messages". */
export function count(n: number, noun: string, plural = `${noun}s`): string {
  return `${number(n)} ${n === 1 ? noun : plural}`;
}

/** 5,000,000 is 5 MB, as in the config. */
export function bytes(n: number): string {
  const sign = n < 0 ? "−" : "";
  let [rest, unit] = [Math.abs(n), 0];
  while (rest >= 999.5 && unit < BYTE_UNITS.length - 1) {
    rest /= 1000;
    unit++;
  }
  const digits = unit === 0 || rest >= 100 ? 0 : 1;
  return `${sign}${rest.toFixed(digits).replace(/\.0$/, "")} ${BYTE_UNITS[unit]}`;
}

/** Whole per cent; what is not nothing is never 0 %. */
export function percent(part: number, whole: number): string {
  if (whole <= 0) return "–";
  const share = (part / whole) * 100;
  return share > 0 && share < 1 ? "<1 %" : `${NUMBER.format(Math.round(share))} %`;
}

/** "42 s", "5 min", "3 h 20 min", "2 d 4 h". */
export function span(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return withRest(hours, "h", minutes % 60, "min");
  return withRest(Math.floor(hours / 24), "d", hours % 24, "h");
}

function withRest(n: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${n} ${unit}` : `${n} ${unit} ${rest} ${restUnit}`;
}

/** 14:07:20 */
export function timeOfDay(iso: string | number): string {
  return TIME.format(new Date(iso));
}

/** 14:00 */
export function hourOfDay(iso: string | number): string {
  return HOUR.format(new Date(iso));
}

/** 24 Nov */
export function day(iso: string | number): string {
  return DAY.format(new Date(iso));
}

/** 24 Nov 2026 */
export function date(iso: string | number): string {
  return DATE.format(new Date(iso));
}

/** The time of day, with the day in front when it is not today. */
export function when(iso: string | number, now: number = Date.now()): string {
  const at = new Date(iso);
  const isToday = at.toDateString() === new Date(now).toDateString();
  return isToday ? timeOfDay(iso) : `${day(iso)}, ${timeOfDay(iso)}`;
}

/** For the pointer that rests on a time: everything, with the zone. */
export function fullTime(iso: string | number): string {
  return new Date(iso).toLocaleString("en-GB", { dateStyle: "full", timeStyle: "long" });
}

/** The first few, and how many more. */
export function several(items: readonly string[], most: number): string {
  const shown = items.slice(0, most).join(", ");
  return items.length > most ? `${shown} and ${number(items.length - most)} more` : shown;
}

/** Control, zero-width, line-separating and bidirectional characters: what makes text lie about itself. */
const TREACHEROUS = /[\p{Cc}\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

/** A stranger's text, with the characters that make text lie written as their codes. */
export function plain(text: string): string {
  return text.replace(TREACHEROUS, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** As `plain`, line breaks and tabs left in: for the text of a message. */
export function plainLines(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(TREACHEROUS, (c) => (c === "\n" || c === "\t" ? c : plain(c)));
}
