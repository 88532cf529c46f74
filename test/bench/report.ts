/**
 * What was measured, as Markdown: a table of medians with their spread.
 *
 * Promises: values of one name make one row, in the order of their first value. Refuses to judge a time: only
 * `fail`, for lost or repeated mail, makes the bench end badly.
 */

type Unit = "ms" | "/s" | "MB/s" | "MB" | "%" | "";

interface Row {
  readonly what: string;
  readonly unit: Unit;
  readonly values: number[];
}

export class Report {
  readonly failures: string[] = [];
  readonly #sections = new Map<string, Map<string, Row>>();

  /** Adds the value of one run to the row `what`. */
  add(section: string, what: string, measured: { value: number; unit: Unit }): void {
    const rows = this.#sections.get(section) ?? new Map<string, Row>();
    this.#sections.set(section, rows);
    const row = rows.get(what) ?? { what, unit: measured.unit, values: [] };
    rows.set(what, row);
    row.values.push(measured.value);
  }

  fail(sentence: string): void {
    this.failures.push(sentence);
  }

  markdown(): string {
    const lines = [...this.#sections].flatMap(([section, rows]) => [
      "",
      `| ${section} | median | min – max | runs |`,
      "| --- | ---: | ---: | ---: |",
      ...[...rows.values()].map(rowText),
    ]);
    return [...lines, "", ...this.failures.map((sentence) => `**FAILED: ${sentence}**`)].join("\n");
  }
}

function rowText({ what, unit, values }: Row): string {
  const shown = (value: number) => `${rounded(value)}${unit === "" || unit === "/s" ? unit : ` ${unit}`}`;
  const spread = values.length < 2 ? "" : `${rounded(Math.min(...values))} – ${rounded(Math.max(...values))}`;
  return `| ${what} | ${shown(quantile(values, 0.5))} | ${spread} | ${values.length} |`;
}

/** Three digits that mean something. */
function rounded(value: number): string {
  if (Number.isInteger(value) || value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** The value below which the share `at` (0 … 1) of the values lies. */
export function quantile(values: readonly number[], at: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = at * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}
