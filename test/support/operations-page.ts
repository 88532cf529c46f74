/**
 * The tables of docs/operations.md, for the tests that hold it against the program.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const PAGE = join(resolve(import.meta.dirname, "../.."), "docs/operations.md");

/** The cells of each row of the table that has `heading` as its first heading, in that section; none without one. */
export function rowsUnder(section: string, heading: string): string[][] {
  const text =
    readFileSync(PAGE, "utf8")
      .split(/^## /m)
      .find((part) => part.startsWith(`${section}\n`)) ?? "";
  const lines = text.split("\n");
  const first = lines.findIndex((line) => line.startsWith(`| ${heading} |`));
  if (first < 0) return [];
  const rest = lines.slice(first + 2);
  const end = rest.findIndex((line) => !line.startsWith("|"));
  return rest.slice(0, end).map((line) => line.slice(2, -2).split(" | "));
}
