/**
 * What is legal but unwise: `check` says it, nothing is stopped.
 *
 * Promises: each warning names what may happen and what to do instead; a config as in the manual's example has none.
 * Refuses: to print what may be a password; such a warning gives the line only.
 */
import { domainOf } from "../mail/address.ts";
import { matchesDomain } from "../policy/pattern.ts";
import type { Secret } from "./config.ts";
import type { Finding } from "./findings.ts";
import { isLoopback } from "./rules.ts";
import type { Settings } from "./schema.ts";

/** Everything unwise in valid settings. */
export function warningsOf(settings: Settings): Finding[] {
  return [
    ...accountWarnings(settings),
    ...senderWarnings(settings),
    ...rewriteWarnings(settings),
    ...networkWarnings(settings),
  ];
}

function accountWarnings({ accounts }: Settings): Finding[] {
  return accounts.flatMap(({ username, pace }, index): Finding[] => {
    const warnings: Finding[] = [];
    const path = ["accounts", index];
    if (username.includes("@")) {
      const message = "looks like an e-mail address; the relay service's user names are not";
      const remedy = "compare it with the credential you were given";
      warnings.push({ path: [...path, "username"], value: username, message, remedy });
    }
    if (pace === "unlimited") {
      const message = "is unlimited: the hourly peak, which is billed, has no cap";
      warnings.push({
        path: [...path, "pace"],
        message,
        remedy: "set perHour to what you are willing to pay for",
      });
    } else if (pace.burst !== undefined && pace.burst * 20 > pace.perHour) {
      const message = `is above 5 % of perHour (${pace.perHour}): all of it may leave in one moment, and only the rest is spread`;
      warnings.push({
        path: [...path, "pace", "burst"],
        value: pace.burst,
        message,
        remedy: "leave it out for 1 %",
      });
    }
    return warnings;
  });
}

function senderWarnings({ accounts, upstream }: Settings): Finding[] {
  if (!upstream.service?.startsWith("proofpoint-ser")) return [];
  return accounts.flatMap(({ senders }, index) =>
    senders.flatMap((pair, position): Finding[] => {
      const odd = [...new Set([pair.envelope, pair.header])].find(
        (address) => domainOf(address).split(".").length < 3,
      );
      if (odd === undefined) return [];
      const message =
        "is in an organisation's main domain; the relay service wants single mailboxes in a subdomain";
      const remedy = "use an address such as portal@lab.wisc.edu";
      return [{ path: ["accounts", index, "senders", position], value: odd, message, remedy }];
    }),
  );
}

function rewriteWarnings({ senders }: Settings): Finding[] {
  return senders.rewrite.flatMap(({ match, user }, index): Finding[] => {
    const earlier = senders.rewrite
      .slice(0, index)
      .findIndex((other) => (other.user === undefined || other.user === user) && covers(other.match, match));
    if (earlier < 0) return [];
    const message = `can never be reached: senders.rewrite[${earlier}] matches all of it first`;
    const remedy = "put the narrower rule first, or remove it";
    return [{ path: ["senders", "rewrite", index], value: match, message, remedy }];
  });
}

/** Whether one sender pattern matches all that another one matches. */
function covers(wide: string, narrow: string): boolean {
  const [wideAt, narrowAt] = [wide.lastIndexOf("@"), narrow.lastIndexOf("@")];
  const localCovered = wide.startsWith("*@") || wide.slice(0, wideAt) === narrow.slice(0, narrowAt);
  return localCovered && matchesDomain(wide.slice(wideAt + 1), narrow.slice(narrowAt + 1));
}

function networkWarnings({ hostname, listen, redis, upstream, http }: Settings): Finding[] {
  const warnings: Finding[] = [];
  if (http !== "off" && !isLoopback(http.listen.host)) {
    const message = "can be reached from other machines, without TLS; the status page shows addresses";
    const remedy =
      "write 127.0.0.1:8025 and use a tunnel (ssh -L 8025:127.0.0.1:8025); in a container it is needed";
    warnings.push({ path: ["http", "listen"], value: http.listen.host, message, remedy });
  }
  if (hostname !== undefined && !hostname.includes(".")) {
    const message = "is a short name; relays expect a full one in EHLO";
    warnings.push({ path: ["hostname"], value: hostname, message, remedy: "write e.g. app01.lab.wisc.edu" });
  }
  const open = listen.clients.findIndex((range) => range.endsWith("/0"));
  if (open >= 0) {
    const message = "lets everybody who can reach the listener send mail";
    const remedy = "name the networks of your own programs";
    warnings.push({ path: ["listen", "clients", open], value: listen.clients[open], message, remedy });
  }
  if (
    redis.kind === "external" &&
    redis.url.startsWith("redis:") &&
    !isLoopback(new URL(redis.url).hostname)
  ) {
    const message = "is reached over the network without TLS";
    warnings.push({ path: ["redis"], value: redis.url, message, remedy: "use rediss:// if the server can" });
  }
  if ((upstream.port === 465) !== (upstream.security === "tls")) {
    const message = `is ${upstream.security}, which is unusual for port ${upstream.port}`;
    const remedy = "465 goes with tls, 25 and 587 with starttls";
    warnings.push({ path: ["upstream", "security"], message, remedy });
  }
  return warnings;
}

/** Places in the file's text, comments included, that look like a password: a secret we know, or `password: …`. */
export function leakWarnings(
  text: string,
  secrets: readonly Secret[],
): (Finding & { readonly line: number })[] {
  const known = secrets.map((secret) => secret.reveal()).filter((secret) => secret.length >= 8);
  const remedy = "remove it from the file (it may be read by everybody) and change the password";
  return text.split("\n").flatMap((content, index) => {
    const suspicious = /\b(pass(w(or)?d|phrase)?|secret)\s*[:=]\s*[^\s…*]/i.test(content);
    if (!suspicious && !known.some((secret) => content.includes(secret))) return [];
    return [{ path: [], line: index + 1, message: "the line looks as if it held a password", remedy }];
  });
}
