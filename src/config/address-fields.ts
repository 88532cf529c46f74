/**
 * The values of the config that are about addresses: senders, pairs, patterns, aliases, domains.
 *
 * Promises: addresses come out as `Address`, domains in lower case, a sender as a pair.
 * Refuses: whole domains as senders, and a `*` anywhere but where a pattern may have one.
 */
import * as z from "zod";
import { type Address, isDomain, parseAddress } from "../mail/address.ts";
import type { Pair } from "../mail/envelope.ts";
import { field, type Reading } from "./fields.ts";

/** One plain e-mail address. */
export const address = field("address", (value): Reading<Address> => readAddress(value));

function readAddress(value: string): Reading<Address> {
  const parsed = plainAddress(value);
  if (parsed !== undefined) return { value: parsed };
  return { problem: "is not an e-mail address", remedy: "write one plain address, e.g. portal@lab.wisc.edu" };
}

/** RFC 5321 allows `*` in a local part; in a config it is always meant as a wildcard, and only some places know one. */
function plainAddress(value: string): Address | undefined {
  return value.includes("*") ? undefined : parseAddress(value);
}

/** An address that mail goes out from: a mailbox, never a domain; both halves of the pair alike. */
const mailbox = field("address", (value): Reading<Address> => {
  const domain = /^(?:\*?@)?([^@*]+\.[^@*]+)$/.exec(value)?.[1];
  if (domain !== undefined && !/\s/.test(domain)) {
    return {
      problem: "is a whole domain; the relay service allows single mailboxes only",
      remedy: `name each address, e.g. portal@${domain}`,
    };
  }
  return readAddress(value);
}).meta({ title: "address", examples: ["portal@lab.wisc.edu"] });

/** `a@b` (envelope and header From alike) or `{ envelope: a@b, header: c@d }`. */
export const pair = z
  .union([
    mailbox.transform((both): Pair => ({ envelope: both, header: both })),
    z.strictObject({
      envelope: mailbox.meta({ description: "the envelope sender (MAIL FROM)" }),
      header: mailbox.meta({ description: "the address in the header From" }),
    }),
  ])
  .meta({ title: "address or pair", examples: ["portal@lab.wisc.edu"] });

/** `user@*`, `*@domain`, `*@*.domain` or an address; domains come out in lower case. */
export const senderPattern = field("pattern", (value): Reading<string> => {
  const known = readPattern(value);
  if (known !== undefined) return { value: known };
  const remedy = 'write "root@*", "*@app01.internal" or one address';
  return { problem: "is not a pattern of addresses", remedy };
});

/** A key of `recipients.aliases`: `root`, or what a sender pattern may be. */
export const aliasKey = field("alias", (value): Reading<string> => {
  const unqualified = !value.includes("@") && plainAddress(`${value}@any.invalid`) !== undefined;
  const known = unqualified ? value : readPattern(value);
  if (known !== undefined) return { value: known };
  const remedy = 'write a name such as root, "*@app01.internal" or one address';
  return { problem: "is not an alias", remedy };
});

function readPattern(value: string): string | undefined {
  const at = value.lastIndexOf("@");
  const local = value.slice(0, Math.max(at, 0));
  const domain = readDomainPattern(value.slice(at + 1));
  const localKnown = local === "*" || plainAddress(`${local}@any.invalid`) !== undefined;
  return localKnown && domain !== undefined ? `${local}@${domain}` : undefined;
}

function readDomainPattern(value: string): string | undefined {
  const suffix = value.replace(/^\*\./, "");
  if (value === "*") return value;
  return isDomain(suffix) ? value.toLowerCase() : undefined;
}

/** `wisc.edu` or `*.wisc.edu`, in lower case. */
export const domainPattern = field("domain", (value): Reading<string> => {
  const known = readDomainPattern(value);
  if (known !== undefined && known !== "*") return { value: known };
  const remedy =
    'write wisc.edu, "*.wisc.edu" for all domains below it, or leave the list empty for everywhere';
  return { problem: "is not a domain", remedy };
});

/** What happens to a sender that no pair and no rewrite rule knows. */
export const unknownSender = field(
  "reject, hold or address",
  (value): Reading<{ kind: "reject" } | { kind: "hold" } | { kind: "send-as"; pair: Pair }> => {
    if (value === "reject" || value === "hold") return { value: { kind: value } };
    const parsed = parseAddress(value);
    if (parsed !== undefined)
      return { value: { kind: "send-as", pair: { envelope: parsed, header: parsed } } };
    return { problem: "is not one of the choices", remedy: "write reject, hold or an address to send as" };
  },
);

/** Who gets failure notices. */
export const noticeTarget = field(
  "sender, none or address",
  (value): Reading<{ kind: "sender" } | { kind: "none" } | { kind: "address"; address: Address }> => {
    if (value === "sender" || value === "none") return { value: { kind: value } };
    const parsed = plainAddress(value);
    if (parsed !== undefined) return { value: { kind: "address", address: parsed } };
    return {
      problem: "is not one of the choices",
      remedy: "write sender, none or the address that gets them",
    };
  },
);
