/**
 * Throw-away certificates for upstreams in tests: an authority, and what it issues. Nothing touches a disk.
 */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  cryptoProvider,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 86_400_000;

/** PEM. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly cert: string;
}

export interface Subject {
  readonly names?: readonly string[];
  readonly addresses?: readonly string[];
  /** Days from now; negative: it is over. */
  readonly validDays?: number;
}

export interface Authority {
  /** PEM, to be trusted. */
  readonly ca: string;
  issue(subject: Subject): Promise<KeyAndCertificate>;
}

cryptoProvider.set(webcrypto as never);

export async function makeAuthority(): Promise<Authority> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=Authority of a test",
    keys,
    notBefore: new Date(Date.now() - 30 * DAY_MS),
    notAfter: new Date(Date.now() + DAY_MS),
    signingAlgorithm: ALGORITHM,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  return {
    ca: certificate.toString("pem"),
    issue: (subject) => issue(subject, { subject: certificate.subject, key: keys.privateKey }),
  };
}

/** Signed by itself, so that nobody vouches for it. */
export async function selfSigned(subject: Subject): Promise<KeyAndCertificate> {
  return issue(subject);
}

async function issue(
  { names = [], addresses = [], validDays = 1 }: Subject,
  issuer?: { subject: string; key: webcrypto.CryptoKey },
): Promise<KeyAndCertificate> {
  const keys = await generateKeys();
  const subject = `CN=${names[0] ?? addresses[0]}`;
  const certificate: X509Certificate = await X509CertificateGenerator.create({
    subject,
    issuer: issuer?.subject ?? subject,
    publicKey: keys.publicKey,
    signingKey: issuer?.key ?? keys.privateKey,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() - 20 * DAY_MS),
    notAfter: new Date(Date.now() + validDays * DAY_MS),
    extensions: [
      new SubjectAlternativeNameExtension([
        ...names.map((value) => ({ type: "dns" as const, value })),
        ...addresses.map((value) => ({ type: "ip" as const, value })),
      ]),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return {
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
    cert: certificate.toString("pem"),
  };
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, [
    "sign",
    "verify",
  ]) as Promise<webcrypto.CryptoKeyPair>;
}
