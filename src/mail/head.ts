/**
 * The head of a message: where it ends and which fields it has, every byte kept.
 *
 * Takes canonical bytes (lines.ts). The head ends at the first empty line, or before the first line that is
 * no field: there the body begins, as with Postfix and sendmail, and the separator is added when the head is
 * written again. Promises: mboxLine, the fields' `raw` and the separator are together the very bytes that came.
 * Refuses what two readers would cut differently: a blank line made of spaces inside the head, and a first
 * line that would be a field but for the space it begins with; and heads over the limits.
 */
import { fieldMaxBytes, headMaxBytes, headMaxFields } from "./limits.ts";

const LF = 0x0a;
// RFC 5322 §2.2: printable ASCII but colon. §4.5.8 (obs-optional) lets space stand before the colon.
const fieldStart = /^([!-9;-~]+)[ \t]*:/;
// RFC 4155: the line between messages in a mailbox file; `From :` is a field, if an odd one.
const mboxStart = /^>*From [^:]/;

/** One header field. */
export interface Field {
  /** Lower-case, without the space that may stand before the colon. */
  readonly name: string;
  /** The whole field with its folding and final CRLF, as it came. */
  readonly raw: Buffer;
  /** After the colon, unfolded (RFC 5322 §2.2.3) and trimmed; one latin1 character a byte. */
  value(): string;
}

export interface Head {
  /** A line of a mailbox file (`From someone Mon Jan 1 …`) that stood before the fields; not part of the message. */
  readonly mboxLine: Buffer | undefined;
  readonly fields: readonly Field[];
  /** Whether an empty line ended it; otherwise the body began at a line that is no field, or there is none. */
  readonly separated: boolean;
}

/** `bodyStart` counts canonical bytes; `problem` is half a sentence for the reply 554 5.6.0. */
export type HeadState =
  | { readonly kind: "reading" }
  | { readonly kind: "complete"; readonly head: Head; readonly bodyStart: number }
  | { readonly kind: "refused"; readonly problem: string };

/** Makes a field of its bytes; `raw` must begin like one and end with CRLF. */
function makeField(raw: Buffer): Field {
  const text = raw.toString("latin1");
  const start = fieldStart.exec(text);
  if (!start?.[1])
    throw new Error(`Cannot make a field as it has no name: current value is ${text.slice(0, 40)}`);
  const afterColon = start[0].length;
  return {
    name: start[1].toLowerCase(),
    raw,
    value: () => raw.toString("latin1", afterColon).replaceAll("\r\n", "").trim(),
  };
}

type LineKind = "empty" | "folding" | "blank" | "field" | "mbox" | "spaced" | "text";

/** What a line is, told from its first bytes alone, so that an endless line can be judged early. */
function kindOfLine(line: string, before: "nothing" | "mbox" | "fields"): LineKind {
  if (line.startsWith("\r\n")) return "empty";
  if (/^[ \t]/.test(line)) {
    if (before === "fields") return /^[ \t]+\r\n/.test(line) ? "blank" : "folding";
    return fieldStart.test(line.trimStart()) ? "spaced" : "text";
  }
  if (fieldStart.test(line)) return "field";
  return before === "nothing" && mboxStart.test(line) ? "mbox" : "text";
}

/** Collects a head from canonical pieces; used through MessageReader (reader.ts). */
export class HeadCollector {
  /** Everything so far: at most headMaxBytes, one unfinished line and one piece. */
  #bytes = Buffer.allocUnsafe(8192);
  #length = 0;
  #lineStart = 0;
  #mboxEnd = 0;
  readonly #fieldStarts: number[] = [];
  #state: HeadState = { kind: "reading" };

  get state(): HeadState {
    return this.#state;
  }

  /** Takes a canonical piece and gives the body bytes in it: none before the head is complete, none after a refusal. */
  push(piece: Buffer): Buffer[] {
    if (this.#state.kind === "complete") return [piece];
    if (this.#state.kind === "refused") return [];
    this.#append(piece);
    const state = this.#scan();
    if (state.kind !== "complete" || state.bodyStart === this.#length) return [];
    return [this.#bytes.subarray(state.bodyStart, this.#length)];
  }

  /** No more bytes: a head that is still being read is all there is. */
  end(): void {
    if (this.#state.kind !== "reading") return;
    if (this.#lineStart !== this.#length) throw new Error("Cannot end a head as its last line has no CRLF");
    this.#state = this.#complete(this.#length, "unseparated");
  }

  #append(piece: Buffer): void {
    const needed = this.#length + piece.length;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    piece.copy(this.#bytes, this.#length);
    this.#length = needed;
  }

  #scan(): HeadState {
    while (this.#state.kind === "reading") {
      const lf = this.#bytes.subarray(0, this.#length).indexOf(LF, this.#lineStart);
      // An unfinished line is judged once it alone is over a field's limit: its first bytes say enough.
      if (lf < 0 && this.#length - this.#lineStart <= fieldMaxBytes) break;
      this.#state = this.#takeLine(lf < 0 ? this.#length : lf + 1);
    }
    return this.#state;
  }

  /** Takes one line and says how things stand after it. */
  #takeLine(lineEnd: number): HeadState {
    const line = this.#bytes.toString(
      "latin1",
      this.#lineStart,
      Math.min(lineEnd, this.#lineStart + fieldMaxBytes),
    );
    switch (
      kindOfLine(line, this.#fieldStarts.length > 0 ? "fields" : this.#lineStart > 0 ? "mbox" : "nothing")
    ) {
      case "empty":
        return this.#complete(lineEnd, "separated");
      case "text":
        return this.#complete(this.#lineStart, "unseparated");
      case "blank":
        return refused("a line of the header holds nothing but spaces");
      case "spaced":
        return refused("the header begins with a space");
      case "mbox":
        this.#mboxEnd = lineEnd;
        break;
      case "field":
        this.#fieldStarts.push(this.#lineStart);
        break;
      case "folding":
        break;
    }
    if (lineEnd - (this.#fieldStarts.at(-1) ?? 0) > fieldMaxBytes)
      return refused(`a header field is over ${fieldMaxBytes} bytes`);
    if (lineEnd > headMaxBytes) return refused(`the header is over ${headMaxBytes} bytes`);
    if (this.#fieldStarts.length > headMaxFields)
      return refused(`the header has over ${headMaxFields} fields`);
    this.#lineStart = lineEnd;
    return this.#state;
  }

  #complete(bodyStart: number, end: "separated" | "unseparated"): HeadState {
    const fieldsEnd = end === "separated" ? bodyStart - 2 : bodyStart;
    const fields = this.#fieldStarts.map((start, i) =>
      makeField(this.#bytes.subarray(start, this.#fieldStarts[i + 1] ?? fieldsEnd)),
    );
    const mboxLine = this.#mboxEnd > 0 ? this.#bytes.subarray(0, this.#mboxEnd) : undefined;
    return { kind: "complete", head: { mboxLine, fields, separated: end === "separated" }, bodyStart };
  }
}

function refused(problem: string): HeadState {
  return { kind: "refused", problem };
}

/** Splits a whole message in canonical bytes. */
export function splitHead(bytes: Buffer): Exclude<HeadState, { kind: "reading" }> {
  const collector = new HeadCollector();
  collector.push(bytes);
  collector.end();
  const { state } = collector;
  if (state.kind === "reading") throw new Error("Cannot leave a head unread after its end");
  return state;
}
