/**
 * SPF of one domain, read as a receiver would, as far as it takes to tell whether the relay service may send for it.
 *
 * Promises: follows include and redirect; counts the terms that make a receiver ask DNS, and stops at the limit
 * (RFC 7208 §4.6.4), so that a loop ends; asks TXT records only. Each way to be broken is told apart.
 * Refuses macros (RFC 7208 §7): what depends on the message cannot be followed; it is counted.
 */
import type { Txt } from "./ports.ts";

/** RFC 7208 §4.6.4: more is an error to the receiver, and so no pass. */
const LOOKUPS = 10;

export type Spf =
  /** The service's record is included, or redirected to, so that its mail passes. */
  | { readonly kind: "included"; readonly lookups: number }
  /** A valid record that does not. */
  | { readonly kind: "not included"; readonly record: string; readonly lookups: number }
  | { readonly kind: "none" }
  | { readonly kind: "several"; readonly count: number }
  | { readonly kind: "broken"; readonly why: string }
  | { readonly kind: "unknown"; readonly why: string };

/** RFC 7208 §4.6.1. */
interface Term {
  readonly qualifier: string;
  readonly name: string;
  readonly value: string;
}

interface Walk {
  readonly wanted: string | undefined;
  readonly txt: (name: string) => Promise<Txt>;
  lookups: number;
  found: boolean;
}

/** `wanted`: the record that has to be included; undefined when none is known. */
export async function readSpf(
  domain: string,
  wanted: string | undefined,
  txt: (name: string) => Promise<Txt>,
): Promise<Spf> {
  const walk: Walk = { wanted: wanted?.toLowerCase(), txt, lookups: 0, found: false };
  try {
    const record = await recordOf(domain, walk);
    await follow(record, walk, true);
    const { lookups } = walk;
    return walk.found ? { kind: "included", lookups } : { kind: "not included", record, lookups };
  } catch (error) {
    if (error instanceof Ended) return error.spf;
    throw error;
  }
}

/** The reading is over before its end. */
class Ended extends Error {
  readonly spf: Spf;

  constructor(spf: Spf) {
    super(spf.kind);
    this.spf = spf;
  }
}

const broken = (why: string) => new Ended({ kind: "broken", why });

async function recordOf(domain: string, { txt }: Walk): Promise<string> {
  const answer = await txt(domain);
  if (answer.kind === "unknown") throw new Ended({ kind: "unknown", why: `${domain}: ${answer.why}` });
  // RFC 7208 §4.5: "v=spf1" and then a space or the end
  const records = answer.kind === "none" ? [] : answer.records.filter((one) => /^v=spf1( |$)/i.test(one));
  const [record] = records;
  if (record === undefined) throw new Ended({ kind: "none" });
  if (records.length > 1) throw new Ended({ kind: "several", count: records.length });
  return record;
}

/** Goes through one record. `counts`: a match in it makes the sender pass, not only the record that includes it. */
async function follow(record: string, walk: Walk, counts: boolean): Promise<void> {
  const terms = termsOf(record);
  for (const term of terms) {
    if (term.name === "all") return; // RFC 7208 §5.1: nothing after it is looked at, and no redirect (§6.1)
    await ask(term, walk, counts);
  }
  const redirect = terms.find(({ name }) => name === "redirect=");
  if (redirect === undefined) return;
  count(walk, `redirect=${redirect.value}`);
  await into(redirect.value, walk, counts, "redirect=");
}

async function ask({ qualifier, name, value }: Term, walk: Walk, counts: boolean): Promise<void> {
  if (["a", "mx", "ptr", "exists"].includes(name)) count(walk, name);
  if (name !== "include") return;
  count(walk, `include:${value}`);
  await into(value, walk, counts && qualifier === "+", "include:");
}

/** RFC 7208 §4.6.4: include, a, mx, ptr, exists and redirect, those of included records too. */
function count(walk: Walk, term: string): void {
  walk.lookups++;
  if (walk.lookups > LOOKUPS)
    throw broken(`more than ${LOOKUPS} DNS lookups, the limit of RFC 7208, reached at ${term}`);
}

async function into(
  written: string,
  walk: Walk,
  counts: boolean,
  how: "include:" | "redirect=",
): Promise<void> {
  if (written.includes("%{")) return;
  const domain = written.toLowerCase().replace(/\.$/, "");
  if (domain === walk.wanted && counts) walk.found = true;
  const record = await recordOf(domain, walk).catch((error: unknown) => {
    if (!(error instanceof Ended)) throw error;
    const { spf } = error;
    if (spf.kind === "several") throw broken(`${how}${domain} has ${spf.count} SPF records`);
    // RFC 7208 §5.2, §6.1: no record there is an error
    if (spf.kind === "none") throw broken(`${how}${domain} has no SPF record`);
    throw error;
  });
  await follow(record, walk, counts);
}

const MECHANISMS = ["all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"];
const WITH_VALUE = ["include", "ip4", "ip6", "exists"];

/** The terms of a record; a term that no receiver understands breaks it (RFC 7208 §4.6). */
function termsOf(record: string): Term[] {
  const texts = record.split(/ +/).slice(1).filter(Boolean);
  return texts.map((text): Term => {
    const [, modifier, given = ""] = /^([a-z][\w.-]*)=(.*)$/i.exec(text) ?? [];
    if (modifier !== undefined) {
      const name = modifier.toLowerCase();
      if (name === "redirect" && given === "") throw broken(`it cannot be read at ${text}`);
      return { qualifier: "+", name: `${name}=`, value: given }; // RFC 7208 §6: unknown modifiers are passed over
    }
    const [, qualifier = "+", name = "", value = ""] =
      /^([+?~-])?([a-z0-9]+)(?:[:/](.*))?$/i.exec(text) ?? [];
    const known = name.toLowerCase();
    if (!MECHANISMS.includes(known) || (WITH_VALUE.includes(known) && value === ""))
      throw broken(`it cannot be read at ${text}`);
    return { qualifier, name: known, value };
  });
}
