/**
 * Counts, sizes, ages and local times as every command, and the agent in its sentences, writes them for people.
 *
 * Promises: pure but for the zone that local times are in; one form for each, so that what one command prints can be
 * compared with what another does. Figures for programs are never made here: they are whole numbers and ISO 8601.
 */

/** `1,234,567` */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 message`, `1,234 messages` */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `512 B`, `12.3 MB`, in powers of ten as the config has them. */
export function sizeText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return power === 0 ? `${bytes} B` : `${(bytes / 1000 ** power).toFixed(1)} ${units[power]}`;
}

/** `4s`, `12m`, `3h`, `2d`: the units of the config and of the options that take an age. */
export function ageText(seconds: number): string {
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** Local time of day, to the second: `14:07:20`. */
export function timeOfDay(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(":");
}

/** Local time, to the second: `2026-03-31 14:07:20`. */
export function clock(iso: string): string {
  const at = new Date(iso);
  return `${at.getFullYear()}-${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())} ${timeOfDay(at)}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
