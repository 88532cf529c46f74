/**
 * What the simulator's page is told of a message: its row, and its head and text when it is looked at.
 *
 * Promises: the shapes are JSON; of HTML and attachments only that they are there, and how large.
 * Bounds: the newest 200 rows; 200 recipients a row; a head of 64 KiB and a text of 256 KiB.
 */
import { readFile } from "node:fs/promises";
import { simpleParser } from "mailparser";
import type { Arrived } from "./arrivals.ts";
import type { SessionRecord } from "./house.ts";

const MOST_ROWS = 200;
const MOST_RECIPIENTS = 200;
const MOST_HEAD = 64 * 1024;
const MOST_TEXT = 256 * 1024;

export interface ArrivedRow {
  /** Names it: the number of its file. */
  readonly number: number;
  readonly at: string;
  readonly session: string;
  /** The protocol: "TLSv1.3". */
  readonly tls: string;
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly headerFrom: string;
  readonly subject?: string;
  readonly messageId?: string;
  readonly sizeBytes: number;
  readonly file: string;
}

export interface ArrivedMessage {
  readonly row: ArrivedRow;
  /** As it came, up to the empty line. */
  readonly head: string;
  /** Its text part; "" when it has none. */
  readonly text: string;
  /** 0: it has no HTML. */
  readonly htmlBytes: number;
  readonly attachments: readonly {
    readonly name: string | null;
    readonly type: string;
    readonly sizeBytes: number;
  }[];
}

/** What there is to look at. */
export interface ArrivedSource {
  readonly arrived: readonly Arrived[];
  readonly sessions: readonly SessionRecord[];
}

/** The newest first. */
export function arrivedRows(source: ArrivedSource): { rows: ArrivedRow[]; total: number } {
  const newest = source.arrived.slice(-MOST_ROWS).reverse();
  return { rows: newest.map((arrived) => rowOf(arrived, source)), total: source.arrived.length };
}

/** Undefined when it is not known (any more). Rejects when its file cannot be read. */
export async function arrivedMessage(
  source: ArrivedSource,
  number: number,
): Promise<ArrivedMessage | undefined> {
  const arrived = source.arrived.find((one) => numberOf(one) === number);
  if (!arrived) return undefined;
  const raw = arrived.raw ?? (await readFile(arrived.file));
  const { text, html, attachments } = await simpleParser(raw, {
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipImageLinks: true,
  });
  return {
    row: rowOf(arrived, source),
    head: headOf(raw).toString("latin1").slice(0, MOST_HEAD),
    text: (text ?? "").slice(0, MOST_TEXT),
    htmlBytes: Buffer.byteLength(html || ""),
    attachments: attachments.map(({ filename, contentType, size }) => ({
      name: filename ?? null,
      type: contentType,
      sizeBytes: size,
    })),
  };
}

function headOf(raw: Buffer): Buffer {
  const end = raw.indexOf("\r\n\r\n");
  return end < 0 ? raw : raw.subarray(0, end);
}

function rowOf(arrived: Arrived, { sessions }: ArrivedSource): ArrivedRow {
  const { raw, recipients, ...facts } = arrived;
  return {
    ...facts,
    number: numberOf(arrived),
    tls: sessions.find(({ id }) => id === arrived.session)?.tls ?? "",
    recipients: recipients.slice(0, MOST_RECIPIENTS),
  };
}

/** `…/arrived/007.eml` is 7. */
function numberOf({ file }: Arrived): number {
  return Number(/(\d+)\.eml$/.exec(file)?.[1]);
}
