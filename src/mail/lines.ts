/**
 * Line ends made canonical as the bytes stream by: every CRLF, bare CR and bare LF becomes one CRLF.
 *
 * Promises: what comes out holds CR and LF only as CRLF, no NUL, and ends with CRLF unless it is empty; how
 * the input was cut into chunks makes no difference. Clean input is passed on as it is, without a copy.
 * Each line end counts by itself, so CR CR LF is a bare CR and then a CRLF: an empty line appears, as with
 * nodemailer and Python's smtplib. NUL is dropped before line ends are looked at; `firstNulAt` tells where,
 * and reader.ts refuses the message when that was in the head.
 * Nothing is parsed or decided before this has run: a bare CR that one reader takes for a line end and
 * another for text is how a second From gets past a check (RFC 5321 §2.3.8).
 */
import { isAscii } from "node:buffer";

const NUL = 0x00;
const LF = 0x0a;
const CR = 0x0d;
const onlyLf = Buffer.from("\n");
const onlyCrlf = Buffer.from("\r\n");

/** Used through MessageReader (reader.ts). */
export class LineCanonicaliser {
  #afterCr = false;
  #atLineStart = true;
  #sizeBytes = 0;
  #eightBit = false;
  #firstNulAt: number | undefined;

  /** Canonical bytes given out so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** An octet over 127 was seen. */
  get hasEightBit(): boolean {
    return this.#eightBit;
  }

  /** Offset in the canonical bytes of the first NUL that was dropped. */
  get firstNulAt(): number | undefined {
    return this.#firstNulAt;
  }

  /** Takes any bytes, gives the canonical ones that are certain by now: a CR is a line end at once, a LF right after it is part of it. */
  push(chunk: Buffer): Buffer[] {
    const nul = chunk.indexOf(NUL);
    if (nul >= 0) return this.#pushAroundNul(chunk, nul);
    const rest = this.#afterCr && chunk[0] === LF ? chunk.subarray(1) : chunk;
    if (chunk.length > 0) this.#afterCr = false;
    if (rest.length === 0) return [];
    this.#afterCr = rest.at(-1) === CR;
    this.#atLineStart = this.#afterCr || rest.at(-1) === LF;
    this.#eightBit ||= !isAscii(rest);
    return this.#count(isClean(rest) ? (this.#afterCr ? [rest, onlyLf] : [rest]) : [rewrite(rest)]);
  }

  /** Gives the CRLF that the last line lacks, if it does (RFC 5321 §4.1.1.4). */
  end(): Buffer[] {
    if (this.#atLineStart) return [];
    this.#atLineStart = true;
    return this.#count([onlyCrlf]);
  }

  #pushAroundNul(chunk: Buffer, nul: number): Buffer[] {
    const before = this.push(chunk.subarray(0, nul));
    this.#firstNulAt ??= this.#sizeBytes;
    return [...before, ...this.push(withoutNul(chunk.subarray(nul + 1)))];
  }

  #count(out: Buffer[]): Buffer[] {
    for (const piece of out) this.#sizeBytes += piece.length;
    return out;
  }
}

/** Whether every CR is followed by LF and every LF preceded by CR; a CR at the very end counts as followed. */
function isClean(bytes: Buffer): boolean {
  let from = 0;
  while (from < bytes.length) {
    const lf = bytes.indexOf(LF, from);
    const cr = bytes.indexOf(CR, from);
    if (lf < 0) return cr < 0 || cr === bytes.length - 1;
    if (cr < 0 || cr !== lf - 1) return false;
    from = lf + 1;
  }
  return true;
}

/** The slow path, only for chunks that hold a bare CR or LF: counted first, so that the copy has the exact size. */
function rewrite(bytes: Buffer): Buffer {
  let extra = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === LF ? bytes[i - 1] !== CR : bytes[i] === CR && bytes[i + 1] !== LF) extra++;
  }
  const out = Buffer.allocUnsafe(bytes.length + extra);
  let at = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte === LF && bytes[i - 1] !== CR) out[at++] = CR;
    out[at++] = byte;
    if (byte === CR && bytes[i + 1] !== LF) out[at++] = LF;
  }
  return out;
}

function withoutNul(bytes: Buffer): Buffer {
  if (!bytes.includes(NUL)) return bytes;
  const out = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  for (const byte of bytes) if (byte !== NUL) out[length++] = byte;
  return out.subarray(0, length);
}
