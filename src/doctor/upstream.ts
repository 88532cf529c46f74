/**
 * Lines about the relay service: the way there, TLS, what EHLO offers, whether each credential is accepted.
 *
 *     names ─▶ ports and addresses ─▶ one conversation to EHLO a host ─▶ one AUTH an account, at the first host that works
 *
 * Promises: hosts at once, accounts AT_ONCE at a time, so that the whole takes no longer than its slowest host; what could
 * not be asked because something before it failed is told as unknown.
 */
import { performance } from "node:perf_hooks";
import { judge } from "../schedule/verdict.ts";
import { authMethod, type Offer } from "../upstream/ehlo.ts";
import { egressFinding } from "./egress.ts";
import { about, type Finding } from "./finding.ts";
import { anyHandshake } from "./handshake.ts";
import type { AccountPart, Door, Patient, Target } from "./patient.ts";
import type { Ports } from "./ports.ts";
import { type HostSight, hostSight } from "./reach.ts";
import { type Place, talk } from "./talk.ts";
import { distrustFindings, trustFindings } from "./trust.ts";

const AT_ONCE = 2;
/** No AUTH begins later than this after the start: the whole of doctor ends within half a minute. */
const AUTH_UNTIL_MS = 19_000;

export async function upstreamFindings(patient: Patient, ports: Ports): Promise<Finding[]> {
  const { target } = patient;
  if (target === undefined) {
    const remedy = "mend upstream.hosts, upstream.port and upstream.security in the config first";
    const lines = (["dns", "port", "tls", "auth"] as const).map((check) => about(check, "upstream"));
    return lines.map((line) => line.unknown("the config does not say where the upstream is", remedy));
  }
  const until = performance.now() + AUTH_UNTIL_MS;
  const sights = await Promise.all(target.hosts.map((host) => hostSight(host, target, patient, ports)));
  const heard = await Promise.all(sights.map((sight) => hearHost(sight, target, patient, ports)));
  const working = heard.find(({ place }) => place !== undefined)?.place;
  return [
    ...sights.flatMap(({ findings }) => findings),
    ...heard.flatMap(({ findings }) => findings),
    egressFinding(sights.find(({ open }) => open)?.open?.localAddress, patient.staticAddresses),
    ...(await authFindings(patient, working, until)),
  ];
}

interface Heard {
  readonly findings: readonly Finding[];
  /** Where AUTH may be said. */
  readonly place?: Place;
}

async function hearHost(
  { host, open }: HostSight,
  target: Target,
  patient: Patient,
  ports: Ports,
): Promise<Heard> {
  if (open === undefined) {
    const lines = (["tls", "ehlo"] as const).map((check) => about(check, host));
    const remedy = "open the way there first: see port and dns";
    return { findings: lines.map((line) => line.unknown("it cannot be reached", remedy)) };
  }
  const place: Place = { host, address: open.address, target: { ...target, ...open.door } };
  // What was seen at another port than the configured one is told with that port.
  const subject = open.door.port === target.port ? host : `${host}:${open.door.port}`;
  const { tls, offer, failure } = await talk(place);
  const nowMs = ports.nowMs();
  if (tls === undefined && failure?.stage === "tls") {
    const seen = failure.reply === undefined ? await anyHandshake(place) : undefined;
    return { findings: distrustFindings({ host, subject, target: place.target, failure, seen, nowMs }) };
  }
  const findings = tls === undefined ? [] : trustFindings(subject, tls, nowMs);
  if (offer === undefined) {
    const line = about(tls === undefined ? "tls" : "ehlo", subject);
    const found = failure?.text ?? "the conversation ended early";
    return { findings: [...findings, line.failed(found, silence(open.door))] };
  }
  return { findings: [...findings, ...offerFindings(subject, offer, patient)], place };
}

function silence({ port, security }: Door): string {
  if (port === 465 && security === "starttls")
    return "set upstream.security: tls, which is what port 465 speaks";
  return `ask the relay service whether it takes mail from this host on port ${port}, or whether a proxy sits between`;
}

function offerFindings(subject: string, offer: Offer, { limits, messagesPerSession }: Patient): Finding[] {
  const line = about("ehlo", subject);
  const findings: Finding[] = [];
  const { sizeBytes, mailMax, eightBitMime, auth } = offer;
  const { messageSizeBytes } = limits;
  if (sizeBytes === undefined) {
    const found = "it announces no SIZE, so how large a message it takes cannot be told from here";
    findings.push(line.unknown(found, "ask the relay service and set limits.messageSize to what it says"));
  } else if (messageSizeBytes !== undefined && sizeBytes < messageSizeBytes - 1) {
    const found = `SIZE ${sizeBytes} is less than limits.messageSize (${messageSizeBytes}): what is between would bounce`;
    findings.push(line.failed(found, `set limits.messageSize: ${sizeBytes + 1}`));
  }
  if (!eightBitMime) {
    const remedy = "ask the relay service for 8BITMIME, or have the programs send quoted-printable";
    findings.push(line.warn("it does not offer 8BITMIME: messages with 8-bit text cannot be sent", remedy));
  }
  const most = mailMax === undefined ? "no MAILMAX announced" : `MAILMAX ${mailMax}`;
  const session = `${most}, so ${Math.min(mailMax ?? 100, messagesPerSession ?? 100)} messages a session`;
  const methods = auth.length === 0 ? "no AUTH" : `AUTH ${auth.join(" ")}`;
  const size = sizeBytes === undefined ? [] : [`SIZE ${sizeBytes}`];
  return [...findings, line.ok([...size, session, methods].join("; "))];
}

async function authFindings(
  { accounts }: Patient,
  place: Place | undefined,
  until: number,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const waiting = [...accounts];
  const worker = async () => {
    for (let account = waiting.shift(); account; account = waiting.shift())
      findings.push(await authFinding(account, place, until));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const names = accounts.map(({ name }) => name);
  return findings.toSorted((a, b) => names.indexOf(a.subject) - names.indexOf(b.subject));
}

async function authFinding(account: AccountPart, place: Place | undefined, until: number): Promise<Finding> {
  const { name, path, username, password, passwordFile } = account;
  const line = about("auth", name);
  if (place === undefined) {
    const found = "not asked: no credential is said without verified TLS and a reply to EHLO";
    return line.unknown(found, "mend what the lines on port, tls and certificate tell first");
  }
  if (username === undefined || password === undefined) {
    const remedy = "see the lines on config and password";
    return line.unknown("not asked: user name or password cannot be read", remedy);
  }
  if (performance.now() > until)
    return line.unknown("not asked: the other questions took too long", "run doctor again");
  const { who, tls, offer, failure } = await talk(place, { username, password });
  if (failure === undefined && tls) {
    return line.ok(`${who} accepted the credential, by ${authMethod(offer ?? { auth: [] })}`);
  }
  const found = failure?.text ?? "the conversation ended early";
  if (failure?.stage !== "auth") return line.unknown(`not asked: ${found}`, "run doctor again");
  if (failure.reply === undefined)
    return line.failed(found, "ask the relay service: mail is only sent after AUTH PLAIN or AUTH LOGIN");
  if (judge(failure).scope !== "account")
    return line.warn(found, "run doctor again later: that is no word about the credential");
  const remedy = `compare ${path}.username and the password in ${passwordFile} with the credential, or ask whether it has expired`;
  return line.failed(found, remedy);
}
