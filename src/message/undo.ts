/**
 * The way back from an edited head to the one that came: the edits, noted as what to take out and what to put in.
 *
 * Policy may be run again on a message long after it was accepted; then its head is edited anew from the bytes that
 * came, never from those that an older policy left over.
 * Promises: `restoreHead` of an edited head, with the steps noted for it, is the head that came, to the byte.
 * Refuses (throws on) steps that do not fit the head: they are another's.
 */

/** Where the edited head differs: from byte `at`, `length` bytes are ours, and `was` (latin1) stood in their place. */
export interface UndoStep {
  readonly at: number;
  readonly length: number;
  readonly was: string;
}

/** A stretch of the head, as it came and as it goes out; one of the two may be empty. */
export interface Stretch {
  readonly came: Buffer;
  readonly goes: Buffer;
}

/** The steps back from `goes` to `came`, one for all that stand together. */
export function undoSteps(stretches: readonly Stretch[]): UndoStep[] {
  const steps: UndoStep[] = [];
  let at = 0;
  for (const { came, goes } of stretches) {
    if (!came.equals(goes)) {
      const last = steps.at(-1);
      const before = last && last.at + last.length === at ? steps.pop() : undefined;
      const { at: start, length, was } = before ?? { at, length: 0, was: "" };
      steps.push({ at: start, length: length + goes.length, was: was + came.toString("latin1") });
    }
    at += goes.length;
  }
  return steps;
}

/** The head that came, and what of the edited one is ours: our fields, one after the other. */
export function restoreHead(
  edited: Buffer,
  steps: readonly UndoStep[],
): { readonly came: Buffer; readonly ours: Buffer } {
  const came: Buffer[] = [];
  const ours: Buffer[] = [];
  let from = 0;
  for (const { at, length, was } of steps) {
    const to = at + length;
    if (at < from || to > edited.length)
      throw new Error(`Cannot restore a head of ${edited.length} bytes as a step is about ${at} to ${to}`);
    came.push(edited.subarray(from, at), Buffer.from(was, "latin1"));
    ours.push(edited.subarray(at, to));
    from = to;
  }
  came.push(edited.subarray(from));
  return { came: Buffer.concat(came), ours: Buffer.concat(ours) };
}
