/**
 * `sluice queue list`: a line a message, oldest first, and a last line that sums up.
 *
 * Promises: asks for slices until the limit is reached or all was looked at; on a terminal no line is wider than it.
 * `--json` prints one array; that the limit cut it off stands on stderr then.
 */
import { type HealthView, healthLines } from "../control/health-text.ts";
import { listQueue, type QueueFilter } from "../control/queue-scan.ts";
import { lastLine, queueTable } from "../control/queue-table.ts";
import type { QueueRow } from "../control/queue-view.ts";
import type { ConfigOptions } from "./config-file.ts";
import { jsonText } from "./json.ts";
import { type FilterOptions, filterOf, queryOf } from "./queue-filter.ts";
import { QueueReader } from "./queue-reader.ts";

const DEFAULT_ROWS = 1000;
const ROWS_AT_ONCE = 1000;

export type ListOptions = ConfigOptions & FilterOptions & { readonly json?: true };

export async function list(options: ListOptions): Promise<void> {
  const reader = new QueueReader(options);
  const filter = filterOf(options);
  const { rows, more } = await readRows(reader, filter, options.limit ?? DEFAULT_ROWS);
  if (options.json) {
    console.log(jsonText(rows));
    if (more) console.error(`Only the first ${rows.length} messages: see --limit.`);
    return;
  }
  const filtered = Object.keys(filter).length > 0;
  const stats = filtered || rows.length === 0 ? undefined : await reader.quickStats();
  const health = await reader.agent("/api/v1/health"); // undefined: only the agent knows
  const lines = [
    ...queueTable(rows, { width: terminalWidth(), nowMs: Date.now() }),
    lastLine({ rows, more, filtered, stats }),
    ...(health?.status === 200 ? healthLines(health.body as HealthView) : []),
  ];
  console.log(lines.join("\n"));
}

/** The first `limit` rows that the filter lets through; `more` when there are others. */
export async function readRows(
  reader: QueueReader,
  filter: QueueFilter,
  limit: number,
): Promise<{ rows: QueueRow[]; more: boolean }> {
  const rows: QueueRow[] = [];
  for (let after: string | undefined; ; ) {
    // When all are there, one more is looked for: only so it is known whether the limit cut any off.
    const wanted = Math.max(1, Math.min(ROWS_AT_ONCE, limit - rows.length));
    const page = { limit: wanted, ...(after === undefined ? {} : { after }) };
    const slice = await reader.ask(`/api/v1/queue?${queryOf(filter, page)}`, (source) =>
      listQueue(source, filter, page),
    );
    if (rows.length === limit && slice && slice.rows.length > 0) return { rows, more: true };
    rows.push(...(slice?.rows ?? []));
    if (!slice || slice.next === null) return { rows, more: false };
    after = slice.next;
  }
}

/** Undefined when stdout is no terminal. */
export function terminalWidth(): number | undefined {
  return process.stdout.isTTY ? process.stdout.columns : undefined;
}
