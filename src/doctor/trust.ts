/**
 * Lines about TLS: is it 1.2 at least, with which cipher, and whose certificate it is.
 *
 * Promises: a certificate that is refused is told with what is wrong with it, of all that can be; times are counted on
 * this machine's clock, and said so.
 */
import type { PeerCertificate } from "node:tls";
import type { Failure } from "../schedule/outcome.ts";
import { about, type Finding } from "./finding.ts";
import type { Handshake } from "./handshake.ts";
import type { Target } from "./patient.ts";
import type { Talk } from "./talk.ts";

const DAY_MS = 86_400_000;
const SOON_DAYS = 14;
const UNTRUSTED = [
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
];
const OLD = ["TLSv1", "TLSv1.1", "SSLv3"];

export interface Refused {
  readonly host: string;
  /** The host as the lines tell it. */
  readonly subject: string;
  readonly target: Target;
  readonly failure: Failure;
  /** What comes about when nothing is demanded. */
  readonly seen: Handshake | undefined;
  readonly nowMs: number;
}

/** The lines of a TLS that stands. */
export function trustFindings(
  subject: string,
  { protocol, cipher, certificate }: NonNullable<Talk["tls"]>,
  nowMs: number,
): Finding[] {
  const line = about("certificate", subject);
  const days = daysLeft(certificate, nowMs);
  const found = `from ${issuerOf(certificate)} for ${namesOf(certificate)}, ends in ${days} days`;
  const remedy = "ask the relay service when it renews its certificate: no mail goes out once it has ended";
  return [
    about("tls", subject).ok(`${protocol} with ${cipher}`),
    days < SOON_DAYS ? line.warn(found, remedy) : line.ok(found),
  ];
}

/** The lines of a TLS that was refused, by us or by them. */
export function distrustFindings(refused: Refused): Finding[] {
  const { subject, target, failure, seen } = refused;
  const line = about("tls", subject);
  if (failure.reply !== undefined) {
    const found = `STARTTLS is not to be had: ${failure.reply.text}`;
    const remedy =
      "try upstream.port: 465 with upstream.security: tls, and ask whether a firewall changes SMTP on the way";
    return [line.failed(found, remedy)];
  }
  const wrong = wrongCertificate(refused);
  if (wrong !== undefined) {
    const stands =
      seen && !OLD.includes(seen.protocol) ? [line.ok(`${seen.protocol} with ${seen.cipher}`)] : [];
    const verdict = about("certificate", subject);
    // What the file would vouch for is not known; a wrong name or date stays wrong.
    const may = target.caDenied && failure.cause !== undefined && UNTRUSTED.includes(failure.cause);
    return [...stands, (may ? verdict.unknown : verdict.failed)(wrong.found, wrong.remedy)];
  }
  if (seen && OLD.includes(seen.protocol)) {
    const found = `it speaks ${seen.protocol} and nothing newer; TLS 1.2 is the least that mail goes out with`;
    return [
      line.failed(
        found,
        "ask the relay service for TLS 1.2, or for another host: nothing here can be set for it",
      ),
    ];
  }
  if (seen) {
    const remedy =
      target.ciphers === undefined
        ? "ask the relay service which ciphers of TLS 1.2 it takes"
        : "leave upstream.ciphers out, or add that one";
    return [
      line.failed(
        `no TLS came about: ${failure.text}; it would take ${seen.protocol} with ${seen.cipher}`,
        remedy,
      ),
    ];
  }
  const other = target.security === "tls" ? "starttls" : "tls";
  const remedy = `see whether port ${target.port} is one for upstream.security: ${other}, and whether a firewall looks into TLS`;
  return [line.failed(`no TLS came about: ${failure.text}`, remedy)];
}

function wrongCertificate({
  host,
  failure,
  seen,
  nowMs,
}: Refused): { found: string; remedy: string } | undefined {
  const certificate = seen?.certificate;
  const whose = certificate ? `from ${issuerOf(certificate)} for ${namesOf(certificate)}` : "not shown again";
  const clock = "compare this machine's clock with another one";
  switch (failure.cause) {
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return {
        found: `it has the wrong name: ${whose}, not for ${host}`,
        remedy:
          "write a name that the certificate has in upstream.hosts, or ask the relay service for its right host",
      };
    case "CERT_HAS_EXPIRED": {
      const ended = certificate ? `ended ${-daysLeft(certificate, nowMs)} days ago` : "has ended";
      return {
        found: `it ${ended} by this clock: ${whose}`,
        remedy: `${clock}, then ask the relay service to renew it`,
      };
    }
    case "CERT_NOT_YET_VALID":
      return {
        found: `it is not valid yet by this clock: ${whose}`,
        remedy: `${clock}: it is probably behind`,
      };
    default:
      if (failure.cause === undefined || !UNTRUSTED.includes(failure.cause)) return undefined;
      return {
        found: `nothing here vouches for it (${failure.cause}): ${whose}`,
        remedy:
          "name the authority that issued it in upstream.caFile if it is known to be right, else ask who sits between",
      };
  }
}

/** Whole days until it ends; below 0 when it has. */
function daysLeft({ valid_to }: PeerCertificate, nowMs: number): number {
  return Math.floor((Date.parse(valid_to) - nowMs) / DAY_MS);
}

function issuerOf({ issuer }: PeerCertificate): string {
  return [issuer?.O, issuer?.CN].flat().find((name) => name !== undefined) ?? "an unnamed authority";
}

function namesOf({ subjectaltname, subject }: PeerCertificate): string {
  const names = (subjectaltname ?? "").split(", ").map((name) => name.replace(/^(DNS|IP Address):/, ""));
  return names.filter(Boolean).slice(0, 5).join(", ") || [subject?.CN].flat()[0] || "nobody";
}
