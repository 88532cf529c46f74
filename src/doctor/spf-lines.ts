/**
 * Lines about SPF: one for each domain that mail goes out with as envelope sender.
 *
 * Promises: DOMAINS at most, all at once, within LIMIT_MS; what is missing is told as the text to add to the record.
 */
import { domainOf } from "../mail/address.ts";
import { about, type Finding } from "./finding.ts";
import { withinLimit } from "./limit.ts";
import type { Patient } from "./patient.ts";
import type { Ports } from "./ports.ts";
import { readSpf, type Spf } from "./spf.ts";

const DOMAINS = 20;
const LIMIT_MS = 20_000;

export async function spfFindings(
  { accounts, preset }: Patient,
  { txt }: Pick<Ports, "txt">,
): Promise<Finding[]> {
  const senders = accounts.flatMap(({ pairs }) => pairs.map(({ envelope }) => domainOf(envelope)));
  const domains = [...new Set(senders.map((domain) => domain.toLowerCase()))];
  if (domains.length === 0)
    return [
      about("spf", "senders").unknown("no sender can be read from the config", "mend the config first"),
    ];
  const known = new Map<string, ReturnType<typeof txt>>();
  const once = (name: string) => {
    const asked = known.get(name) ?? txt(name);
    known.set(name, asked);
    return asked;
  };
  const late = (): Spf => ({ kind: "unknown", why: `no answer within ${LIMIT_MS / 1000} s` });
  const asked = domains.slice(0, DOMAINS).map(async (domain) => {
    const spf = await withinLimit(readSpf(domain, preset?.spfInclude, once), LIMIT_MS, late);
    return spfFinding(domain, preset?.spfInclude, spf);
  });
  const rest = domains.slice(DOMAINS).map((domain) => {
    const line = about("spf", domain);
    return line.unknown(
      `not asked: it is beyond the first ${DOMAINS} domains`,
      `run: dig +short TXT ${domain}`,
    );
  });
  return [...(await Promise.all(asked)), ...rest];
}

/** `wanted`: the service's record; undefined when none is known. */
export function spfFinding(domain: string, wanted: string | undefined, spf: Spf): Finding {
  const line = about("spf", domain);
  const whom = `ask whoever runs DNS of ${domain}`;
  switch (spf.kind) {
    case "included":
      return line.ok(`includes ${wanted}, ${spf.lookups} of 10 lookups`);
    case "not included": {
      if (wanted !== undefined) {
        const remedy = `${whom} to add include:${wanted} to its SPF record, before the all`;
        return line.failed(`its SPF record does not include ${wanted}: ${spf.record}`, remedy);
      }
      const found = `a valid SPF record, ${spf.lookups} of 10 lookups; what the service wants in it is not known here`;
      return line.unknown(found, "ask the relay service which include it asks for, and compare");
    }
    case "none": {
      const record =
        wanted === undefined ? "with the include of the relay service" : `"v=spf1 include:${wanted} ~all"`;
      const remedy = `${whom} for a TXT record ${record}`;
      return wanted === undefined ? line.warn("no SPF record", remedy) : line.failed("no SPF record", remedy);
    }
    case "several":
      return line.failed(
        `${spf.count} SPF records, which is an error to every receiver`,
        `${whom} to make one record of them`,
      );
    case "broken":
      return line.failed(
        `its SPF record is an error to every receiver: ${spf.why}`,
        `${whom} to mend it, e.g. with fewer includes or without the term that fails`,
      );
    case "unknown":
      return line.unknown(
        `DNS did not tell: ${spf.why}`,
        "see whether /etc/resolv.conf names a DNS server that works",
      );
  }
}
