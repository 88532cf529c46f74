/**
 * The journal added up into days: the one place that says what counts.
 *
 * What counts is what the hour's budget was charged, at the time of the charge: a transaction whose MAIL was said,
 * whatever came of it; and, for `sluice plan`, what was accepted.
 * Promises: reads the journal, changes nothing in it; a line that is in a day already is passed over.
 */
import type { JournalLine } from "../journal/journal.ts";
import { chargeIn } from "../journal/questions.ts";
import { advanced, isBefore, type Marks, type Piece, readOn } from "../journal/tail.ts";
import { TRANSACTION_RECIPIENTS } from "../schedule/pace.ts";
import { dayOf, type UsageDay } from "./day.ts";

/** Adds what is behind `marks`; `dayFor` gives the day to add to. Yields the new marks after each piece. */
export async function* foldOn(
  journalFolder: string,
  marks: Marks,
  dayFor: (day: string) => Promise<UsageDay>,
): AsyncGenerator<Marks> {
  let now = marks;
  for await (const piece of readOn(journalFolder, marks, mayCount)) {
    await foldPiece(piece, dayFor);
    now = advanced(now, piece);
    yield now;
  }
}

async function foldPiece({ day, lines }: Piece, dayFor: (day: string) => Promise<UsageDay>): Promise<void> {
  for (const { line, end } of lines) {
    const atMs = timeOf(line);
    if (atMs === undefined) continue;
    const sums = await dayFor(dayOf(atMs));
    if (!isBefore(sums.through, day, end)) count(sums, line, atMs);
  }
}

/** Cheap, so that most lines need not be parsed. */
function mayCount(text: string): boolean {
  return text.includes('"charged":1') || text.includes('"event":"accepted"');
}

/** When what the line says counts, milliseconds since 1970; undefined when it does not count. */
function timeOf(line: JournalLine): number | undefined {
  if (line.event === "rejected" || line.account === null) return undefined;
  const atMs = line.event === "accepted" ? Date.parse(line.at) : chargeIn(line)?.atMs;
  return atMs === undefined || Number.isNaN(atMs) ? undefined : atMs;
}

function count(day: UsageDay, line: JournalLine, atMs: number): void {
  if (line.event === "rejected" || line.account === null) return;
  if (line.event === "accepted") {
    day.accepted(line.account, atMs, Math.ceil(line.recipients.length / TRANSACTION_RECIPIENTS));
    return;
  }
  const charge = chargeIn(line);
  if (!charge) return;
  const { account, sender, user } = line;
  day.sent({ ...charge, account, sender: sender ?? "<>", user: user ?? null, messages: 1 });
}
