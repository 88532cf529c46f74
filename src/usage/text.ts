/**
 * Numbers of the ledger as people and spreadsheets read them: tables, delays, times, comma-separated values.
 *
 * Promises: no byte of a stranger reaches the terminal or a spreadsheet as it came (RFC 4180 quotes; what a spreadsheet
 * would take for a formula gets an apostrophe). Times are UTC, and say so.
 */
import { visible } from "../mail/reply.ts";
import { grouped } from "../observe/figures.ts";

/** Columns as wide as they need to be; numbers to the right. */
export function table(headings: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const numeric = headings.map((_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === "number"));
  const cells = [
    headings,
    ...rows.map((row) => row.map((cell) => (typeof cell === "number" ? grouped(cell) : cell))),
  ];
  const widths = headings.map((_, i) => Math.max(...cells.map((row) => (row[i] ?? "").length)));
  const padded = (text: string, i: number) =>
    numeric[i] ? text.padStart(widths[i] as number) : text.padEnd(widths[i] as number);
  return cells.map((row) => row.map(padded).join("  ").trimEnd()).join("\n");
}

/** `0s`, `90s`, `25m`, `3.5h`, `2.1d` */
export function delayText(seconds: number): string {
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)}m`;
  return seconds < 172_800 ? `${(seconds / 3600).toFixed(1)}h` : `${(seconds / 86_400).toFixed(1)}d`;
}

/** `2026-07-01 13:05`, UTC. */
export function timeText(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 16).replace("T", " ");
}

/** RFC 4180: a heading line, then a line a row; null is empty. */
export function csv<T extends object>(rows: readonly T[], columns: readonly (keyof T & string)[]): string {
  const lines = rows.map((row) => columns.map((column) => csvCell(row[column])).join(","));
  return `${[columns.join(","), ...lines].join("\r\n")}\r\n`;
}

function csvCell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = visible(String(value)).replace(/^(?=[=+\-@\t\r])/, "'");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
