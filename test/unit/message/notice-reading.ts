/**
 * A notice read back by the letter, for its tests: no tolerance that another parser may not have.
 *
 * Promises to throw, with a sentence, on a bare CR or LF, a byte outside printable ASCII, a line over 998, a field
 * that is none, a missing or doubled boundary, and anything before the first or after the last one.
 */

export interface ReadField {
  readonly name: string;
  /** Unfolded. */
  readonly value: string;
}

export interface ReadPart {
  readonly fields: readonly ReadField[];
  /** Decoded, latin1. */
  readonly content: string;
}

/** A message whose lines are as they have to be: its fields and what follows, undecoded. */
export function readMessage(bytes: Buffer): { fields: ReadField[]; lines: string[] } {
  const text = bytes.toString("latin1");
  if (!text.endsWith("\r\n")) throw new Error("The last line is not ended");
  const lines = text.slice(0, -2).split("\r\n");
  for (const line of lines) {
    if (/[^\t\x20-\x7e]/.test(line)) throw new Error(`A line is not plain ASCII: ${JSON.stringify(line)}`);
    if (line.length > 998) throw new Error(`A line has ${line.length} characters`);
  }
  const empty = lines.indexOf("");
  if (empty < 0) throw new Error("The head has no end");
  return { fields: readFields(lines.slice(0, empty)), lines: lines.slice(empty + 1) };
}

/** A multipart/report, its parts decoded. */
export function readReport(bytes: Buffer): { fields: ReadField[]; parts: ReadPart[] } {
  const { fields, lines } = readMessage(bytes);
  const type = fields.find(({ name }) => name === "Content-Type")?.value ?? "";
  const boundary = /^multipart\/report; report-type=delivery-status; boundary="([^"]+)"$/.exec(type)?.[1];
  if (boundary === undefined) throw new Error(`It is no report: ${type}`);
  // RFC 2046 §5.1.1: a line that begins so is a delimiter, whatever follows.
  const delimiters = lines.flatMap((line, i) => (line.startsWith(`--${boundary}`) ? [i] : []));
  const last = delimiters.at(-1);
  if (delimiters[0] !== 0) throw new Error("There is text before the first part");
  if (last !== lines.length - 1) throw new Error("There is text after the last part");
  if (lines[last] !== `--${boundary}--`) throw new Error("The last part is not closed");
  const parts = delimiters.slice(0, -1).map((at, i) => {
    if (lines[at] !== `--${boundary}`) throw new Error(`A boundary has more to it: ${lines[at]}`);
    return readPart(lines.slice(at + 1, delimiters[i + 1]));
  });
  return { fields, parts };
}

function readPart(lines: readonly string[]): ReadPart {
  const empty = lines.indexOf("");
  if (empty < 0) throw new Error("The fields of a part have no end");
  const fields = readFields(lines.slice(0, empty));
  const raw = lines.slice(empty + 1).join("\r\n"); // the CRLF before a boundary belongs to it
  const encoding = fields.find(({ name }) => name === "Content-Transfer-Encoding")?.value;
  if (encoding === "7bit") return { fields, content: raw };
  if (encoding !== "quoted-printable") throw new Error(`The encoding is odd: ${encoding}`);
  if (raw.split("\r\n").some((line) => line.length > 76 || /[ \t]$|=(?![0-9A-F]{2}|$)/.test(line)))
    throw new Error("It is not quoted-printable");
  const joined = raw.replaceAll("=\r\n", "");
  return {
    fields,
    content: joined.replace(/=(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  };
}

/** Lines of fields, every one of them lawful. */
export function readFields(lines: readonly string[]): ReadField[] {
  const fields: { name: string; value: string }[] = [];
  for (const line of lines) {
    const [, name, value = ""] = /^([A-Za-z-]+): (\S.*)$/.exec(line) ?? [];
    const before = fields.at(-1);
    if (name !== undefined) fields.push({ name, value });
    else if (before !== undefined && /^ \S/.test(line)) before.value += line;
    else throw new Error(`A line is no field: ${JSON.stringify(line)}`);
  }
  return fields;
}

/** The groups of a message/delivery-status part: the message's own first. */
export function readGroups({ content }: ReadPart): Record<string, string>[] {
  if (!content.endsWith("\r\n")) throw new Error("The last group is not ended");
  const groups = content.slice(0, -2).split("\r\n\r\n");
  return groups.map((group) =>
    Object.fromEntries(readFields(group.split("\r\n")).map(({ name, value }) => [name, value])),
  );
}
