/**
 * What takes several keys to judge: the relay service's rules for senders, names used twice, bounds that contradict.
 *
 * Promises: each rule speaks for itself, also when other parts of the config are broken; all of them are asked.
 * Refuses: nothing that is only unwise; that is for warnings.ts.
 */
import type { Address } from "../mail/address.ts";
import type { Pair } from "../mail/envelope.ts";
import { fitsBeforeMail } from "../schedule/catalogue.ts";
import type { Finding, Path } from "./findings.ts";
import type { Settings } from "./schema.ts";
import type { Loose } from "./schema-walk.ts";
import { formatDuration, formatSize } from "./units.ts";

/** Settings of which parts may be missing because they were refused. */
export type LooseSettings = Loose<Settings>;

/** The relay service allows this many distinct addresses for one credential, envelope and header counted alike. */
const MAX_ADDRESSES = 10;

const YEAR_MS = 366 * 86_400_000;

/** Whether file, environment or preset say something at a path, right or wrong. */
type Given = (path: Path) => boolean;

/** All findings of all rules. */
export function ruleFindings(settings: LooseSettings, given: Given): Finding[] {
  return [
    ...listenRules(settings, given),
    ...boundRules(settings),
    ...upstreamRules(settings, given),
    ...replyRuleRules(settings),
    ...accountRules(settings),
    ...senderRules(settings),
    ...targetRules(settings),
  ];
}

/** Whether a host or address is this machine itself. */
export function isLoopback(host: string): boolean {
  return /^127\./.test(host) || host === "::1" || /^(.*\.)?localhost$/i.test(host);
}

function listenRules({ listen }: LooseSettings, given: Given): Finding[] {
  const clientsGiven = given(["listen", "clients"]);
  const addresses = listen?.addresses ?? [];
  return addresses.flatMap((address, index): Finding[] => {
    if (!address) return [];
    const path = ["listen", "addresses", index];
    const text = listenText(address);
    const findings: Finding[] = [];
    if (!clientsGiven && !isLoopback(address.host ?? "")) {
      const message = "is not a loopback address, and listen.clients does not say who may connect";
      const remedy = "write listen.clients, e.g. [10.1.2.0/24], or set SLUICE_CLIENTS";
      findings.push({ path, value: text, message, remedy });
    }
    if (
      address.port !== 0 &&
      addresses.slice(0, index).some((other) => other && listenText(other) === text)
    ) {
      findings.push({ path, value: text, message: "stands twice in the list", remedy: "remove one of them" });
    }
    return findings;
  });
}

function listenText({ host, port }: Loose<{ host: string; port: number }>): string {
  return host?.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function boundRules({ limits, retry, keep, accounts }: LooseSettings): Finding[] {
  const findings: Finding[] = [];
  const atLeast = (
    path: Path,
    value = Number.POSITIVE_INFINITY,
    other: string,
    least = 0,
    format: Format,
  ) => {
    if (value >= least) return;
    const message = `is less than ${other} (${format(least)})`;
    findings.push({ path, value: format(value), message, remedy: `write ${format(least)} or more` });
  };
  atLeast(["limits", "uploads"], limits?.uploads, "limits.messageSize", limits?.messageSize, formatSize);
  atLeast(["retry", "max"], retry?.max, "retry.first", retry?.first, formatDuration);
  atLeast(["retry", "expireAfter"], retry?.expireAfter, "retry.max", retry?.max, formatDuration);
  // A year that is forgotten before it is over would never be used up.
  const counted = accounts?.some((one) => typeof one?.pace === "object" && one.pace.perYear !== undefined);
  if (counted)
    atLeast(["keep", "usage"], keep?.usage, "the year that pace.perYear counts", YEAR_MS, formatDuration);
  return findings;
}

type Format = (value: number) => string;

function upstreamRules({ upstream, listen, hostname }: LooseSettings, given: Given): Finding[] {
  if (!upstream) return [];
  if (!given(["upstream", "hosts"]) && !given(["upstream", "service"])) {
    const remedy = "write upstream.service: proofpoint-ser, or upstream.hosts: [smtp.example.com]";
    return [{ path: ["upstream", "hosts"], message: "is missing, and no service is named", remedy }];
  }
  return (upstream.hosts ?? []).flatMap((host, index): Finding[] => {
    const ours = listen?.addresses?.some((address) => {
      if (!host || !address || address.port !== upstream.port) return false;
      return isLoopback(host) || host === address.host || host === hostname;
    });
    if (!ours) return [];
    const message = `with port ${upstream.port} is our own listener: mail would go round in circles`;
    const remedy = "name the relay service's host";
    return [{ path: ["upstream", "hosts", index], value: host, message, remedy }];
  });
}

/** A rule that could never apply. */
function replyRuleRules({ upstream }: LooseSettings): Finding[] {
  const early = ["greeting", "ehlo", "tls", "auth"];
  return (upstream?.replies ?? []).flatMap((rule, index): Finding[] => {
    const { means, stage } = rule ?? {};
    const never = stage?.every((one) => one !== undefined && early.includes(one));
    if (!never || means === undefined || fitsBeforeMail(means)) return [];
    const path = ["upstream", "replies", index, "means"];
    const message = `is about mail, and there is none yet at ${stage?.join(", ")}`;
    return [{ path, value: means, message, remedy: "write credential, slow-down or busy, or another stage" }];
  });
}

function accountRules({ accounts = [], limits }: LooseSettings): Finding[] {
  return accounts.flatMap((account, index): Finding[] => {
    const findings: Finding[] = [];
    const path = ["accounts", index];
    const name = account?.name;
    if (name !== undefined && accounts.slice(0, index).some((other) => other?.name === name)) {
      const remedy = "give each account a name of its own";
      findings.push({
        path: [...path, "name"],
        value: name,
        message: "is the name of another account too",
        remedy,
      });
    }
    const pace = account?.pace;
    if (
      typeof pace === "object" &&
      pace.burst !== undefined &&
      pace.burst >= (pace.perHour ?? Number.POSITIVE_INFINITY)
    ) {
      const message = `has to stay below perHour (${pace.perHour})`;
      const remedy = "leave it out for 1 % of perHour";
      findings.push({ path: [...path, "pace", "burst"], value: pace.burst, message, remedy });
    }
    const bytes = typeof pace === "object" ? pace.bytesPerHour : undefined;
    if (bytes !== undefined && bytes < 2 * (limits?.messageSize ?? 0)) {
      const least = formatSize(2 * (limits?.messageSize ?? 0));
      const message = `is less than two of the largest messages (${least}, see limits.messageSize): they could never go`;
      const remedy = `write ${least} or more, or lower limits.messageSize`;
      findings.push({ path: [...path, "pace", "bytesPerHour"], value: formatSize(bytes), message, remedy });
    }
    const addresses = new Set<Address>();
    account?.senders?.forEach((pair, position) => {
      if (!pair) return;
      const before = addresses.size;
      addresses.add(pair.envelope).add(pair.header);
      if (before > MAX_ADDRESSES || addresses.size <= MAX_ADDRESSES) return;
      const message = `is the entry that makes it more than ${MAX_ADDRESSES} distinct addresses (both halves count); the relay service allows no more`;
      const remedy = "move addresses to another account, or use senders.rewrite";
      findings.push({ path: [...path, "senders", position], message, remedy });
    });
    return findings;
  });
}

function senderRules({ accounts = [] }: LooseSettings): Finding[] {
  const owners = new Map<string, string>();
  return accounts.flatMap((account, index) =>
    (account?.senders ?? []).flatMap((pair, position): Finding[] => {
      if (!pair) return [];
      const here = `accounts[${index}].senders[${position}]`;
      const owner = owners.get(pairText(pair));
      if (owner === undefined) {
        owners.set(pairText(pair), here);
        return [];
      }
      const message = `is the same pair as ${owner}; a pair belongs to one account, once`;
      return [
        {
          path: ["accounts", index, "senders", position],
          value: pairText(pair),
          message,
          remedy: "remove one of them",
        },
      ];
    }),
  );
}

/** What mail is rewritten to must be a pair that some account may send. */
function targetRules({ accounts, senders, notices }: LooseSettings): Finding[] {
  // With a refused sender somewhere, the missing pair may be that one: one problem is enough.
  if (!accounts?.every((account) => account?.senders?.every((pair) => pair !== undefined))) return [];
  const allowed = new Set(
    accounts.flatMap((account) => account?.senders ?? []).map((pair) => pair && pairText(pair)),
  );
  const targets: { path: Path; pair: Pair | undefined }[] = (senders?.rewrite ?? []).map((rule, index) => ({
    path: ["senders", "rewrite", index, "to"],
    pair: rule?.to,
  }));
  const unknown = senders?.unknown;
  if (unknown?.kind === "send-as") targets.push({ path: ["senders", "unknown"], pair: unknown.pair as Pair });
  const from = notices?.from;
  if (from !== undefined) targets.push({ path: ["notices", "from"], pair: { envelope: from, header: from } });
  return targets.flatMap(({ path, pair }): Finding[] => {
    if (!pair || allowed.has(pairText(pair))) return [];
    const message = "is not a pair that any account may send";
    const remedy = "add it to the senders of an account, or name one that is there";
    return [{ path, value: pairText(pair), message, remedy }];
  });
}

/** A pair for a person: one address, or both. */
export function pairText({ envelope, header }: Pair): string {
  return envelope === header ? envelope : `(envelope ${envelope}, header ${header})`;
}
