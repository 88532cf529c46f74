/**
 * Lists of addresses, as To, Cc and Bcc hold them and as programs pass them to sendmail: who is meant, without the names.
 *
 * Understands names, quoted ones too, comments, groups (`Team: a@b, c@d;`), empty items, a semicolon for a comma.
 * Promises: linear time; every recipient went through the grammar of address.ts, and is fit for RCPT TO:<…>.
 * Refuses the whole list when one item is not one plain address: what is left out would be mail that is lost, unseen.
 */
import { parseCommandArgument } from "./address.ts";
import { visible } from "./reply.ts";

/** `recipients`: addresses, and names without a domain such as root. `problem` names the item. */
export type AddressListResult =
  | { readonly ok: true; readonly recipients: readonly string[] }
  | { readonly ok: false; readonly problem: string };

const quoted = String.raw`"(?:[^"\\]|\\.)*"`;
// One piece at a time, told apart by its first character. RFC 5322 §3.2.4 quoted-string, §3.4.1 domain-literal,
// §3.4 angle-addr, separators, space, and anything else.
const piece = new RegExp(
  String.raw`${quoted}|\[[^\][]*\]|<(?:${quoted}|[^"<>])*>|[,;:]|[ \t]+|[^"\[\]<>,;:() \t]+`,
  "y",
);

/** Reads a list: an unfolded field value (latin1), or an argument. An empty one names nobody. */
export function parseAddressList(text: string): AddressListResult {
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(text)) return refused(text, "it holds a control character");
  const list = new ListReader();
  for (let at = 0; at < text.length; ) {
    const end = endOfPiece(text, at);
    if (end === undefined) return refused(text.slice(at), "quotes and brackets do not match");
    const problem = list.take(text.slice(at, end));
    if (problem !== undefined) return problem;
    at = end;
  }
  return list.endItem() ?? { ok: true, recipients: list.recipients };
}

class ListReader {
  readonly recipients: string[] = [];
  /** What stands before `<…>`, or the address itself. */
  #words = "";
  #angle: string | undefined;
  #inGroup = false;

  take(part: string): AddressListResult | undefined {
    switch (part[0]) {
      case " ":
      case "\t":
      case "(":
        this.#words += " ";
        return undefined;
      case ",":
        return this.endItem();
      case ";":
        this.#inGroup = false;
        return this.endItem();
      case ":":
        return this.#beginGroup();
      case "<":
        if (this.#angle !== undefined) return refused(part, "a comma is missing before it");
        this.#angle = part.slice(1, -1);
        return undefined;
      default:
        if (this.#angle !== undefined) return refused(part, "a comma is missing before it");
        this.#words += part;
        return undefined;
    }
  }

  /** A comma, or the end of it all. */
  endItem(): AddressListResult | undefined {
    const said = this.#angle ?? this.#words.trim();
    const empty = this.#angle === undefined && said === "";
    this.#angle = undefined;
    this.#words = "";
    if (empty) return undefined;
    const read = parseCommandArgument(`<${said}>`);
    if (!read.ok) return refused(said, read.problem);
    switch (read.path.kind) {
      case "null":
        return refused("<>", "the address is empty");
      case "address":
        this.recipients.push(read.path.address);
        return undefined;
      case "local":
        this.recipients.push(read.path.local);
        return undefined;
    }
  }

  #beginGroup(): AddressListResult | undefined {
    const name = this.#words.trim();
    if (this.#inGroup || this.#angle !== undefined || name === "" || name.includes("@"))
      return refused(`${name}:`, "the colon begins no group");
    this.#inGroup = true;
    this.#words = "";
    return undefined;
  }
}

function endOfPiece(text: string, at: number): number | undefined {
  if (text[at] === "(") return endOfComment(text, at);
  piece.lastIndex = at;
  return piece.test(text) ? piece.lastIndex : undefined;
}

/** RFC 5322 §3.2.2: comments nest, and a backslash takes the meaning of what follows it. */
function endOfComment(text: string, start: number): number | undefined {
  for (let at = start, depth = 0; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "(") depth++;
    else if (text[at] === ")" && --depth === 0) return at + 1;
  }
  return undefined;
}

function refused(said: string, problem: string): AddressListResult {
  return { ok: false, problem: `${visible(said, 100)}: ${problem}` };
}
