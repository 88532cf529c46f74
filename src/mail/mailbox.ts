/**
 * One mailbox of a header field, read strictly.
 *
 * Understands what programs write: `a@b`, `<a@b>`, `Name <a@b>`, `a@b (Name)`, and a name without a domain,
 * as cron has it: `root (Cron Daemon)`. Raw 8-bit and encoded words are fine in the display name.
 * Refuses everything that two readers may read as two addresses: lists, groups, routes, comments elsewhere,
 * nested ones, encoded words or 8-bit in the address, stray quotes and brackets. It never guesses.
 */
import { type Address, parseAddress } from "./address.ts";
import { isPhrase, isSafeName, toPhrase } from "./display-name.ts";

export interface Mailbox {
  readonly address: Address;
  /** The phrase as it may be written before `<address>`, latin1; empty when there is none. Not checked: writeMailbox() does. */
  readonly displayName: string;
  /** Whether the text it was read from may stand as it is: `address` written exactly so, a safe name, no comment. */
  readonly canonical: boolean;
}

/** `problem` continues the sentence "the From field …". */
export type MailboxResult =
  | { readonly ok: true; readonly mailbox: Mailbox }
  | { readonly ok: false; readonly problem: string };

/** What the text says, before the address is checked. */
interface Parts {
  readonly spec: string;
  readonly displayName: string;
  readonly form: "plain" | "odd";
}

// The comment has no quotes, escapes or parentheses: those are read differently from one program to the next.
const commented = /^([^\s()<>"]+)[ \t]*\(([^()"\\]*)\)$/;
// What sloppy programs put into an unquoted phrase and no reader takes for anything else; written in quotes.
const sloppyPhrase = /^[^"\\()<>@,;:]+$/;

/**
 * Reads one mailbox from a field's unfolded value (latin1). An address without a domain gets `@hostname`.
 */
export function parseMailbox(value: string, hostname: string): MailboxResult {
  const text = value.trim();
  if (text === "") return { ok: false, problem: "is empty" };
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(text)) return { ok: false, problem: "holds a control character" };
  const parts = takeApart(text);
  const address = parts && (parseAddress(parts.spec) ?? qualified(parts.spec, hostname));
  if (!address) return { ok: false, problem: diagnose(text) };
  const { spec, displayName, form } = parts;
  const canonical = form === "plain" && spec === address && isSafeName(displayName, address);
  return { ok: true, mailbox: { address, displayName, canonical } };
}

/** `Name <address>` or the address alone: a name that is not safe beside this address is left out. */
export function writeMailbox(displayName: string, address: Address): string {
  return displayName !== "" && isSafeName(displayName, address) ? `${displayName} <${address}>` : address;
}

function qualified(spec: string, hostname: string): Address | undefined {
  return /[@"]/.test(spec) ? undefined : parseAddress(`${spec}@${hostname}`);
}

function takeApart(text: string): Parts | undefined {
  const comment = commented.exec(text);
  if (comment?.[1])
    return { spec: comment[1], displayName: toPhrase((comment[2] ?? "").trim()), form: "odd" };
  const bare = maskQuoted(text);
  if (bare.includes('"')) return undefined;
  const open = bare.indexOf("<");
  if (open < 0) return { spec: text, displayName: "", form: "plain" };
  if (bare.indexOf(">") !== bare.length - 1) return undefined;
  const spec = text.slice(open + 1, -1);
  const name = text.slice(0, open).trim();
  if (name === "" || isPhrase(name)) return { spec, displayName: name, form: "plain" };
  if (sloppyPhrase.test(name)) return { spec, displayName: toPhrase(name), form: "odd" };
  // `a@b <a@b>`, as PHP programs write it: both readings give the same address.
  return name === spec ? { spec, displayName: "", form: "odd" } : undefined;
}

/**
 * Quoted strings overwritten by underscores, so that what is left of `<`, `,` and the like has a meaning.
 * The quote that closes is optional in the pattern to keep it linear; one that is missing stays visible.
 */
function maskQuoted(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*("?)/g, (quoted, close: string) =>
    close === "" ? quoted : "_".repeat(quoted.length),
  );
}

/** Says what is wrong in the words of somebody who has to change the program. */
function diagnose(text: string): string {
  const bare = maskQuoted(text);
  if (bare.includes('"')) return "has an unclosed quote";
  if (/<[ \t]*@/.test(bare)) return "has a source route";
  if (/[()]/.test(bare)) return "has a comment where none is understood";
  if (/^[^<@]*:/.test(bare)) return "is a group of mailboxes";
  if (/[,;]/.test(bare) || bare.split("<").length > 2) return "names more than one mailbox";
  const spec = /<([^<>]*)>$/.exec(text)?.[1] ?? text;
  if (spec.includes("=?")) return "has an encoded word in place of an address";
  if (/[\x80-\xff]/.test(spec)) return "has a character outside ASCII in its address";
  return "is not one plain address";
}
