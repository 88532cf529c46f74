/**
 * The simulator's own certificate authority, and the certificate it shows for this machine.
 *
 * Promises: clients that trust `ca.pem` trust every later start too (CA and keys are kept in the folder and
 * reused while they hold); keys are 0600; a certificate that expires is issued anew by the same CA.
 * The certificate's key is RSA, because the relay service's ciphers are ECDHE-RSA ones.
 * Refuses to leave half a file behind: each is written aside and renamed.
 */
import "reflect-metadata"; // @peculiar/x509 needs it to be there first
import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { replaceFile } from "./files.ts";

/** PEM texts. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

interface Authority {
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 24 * 3600_000;
const CA_DAYS = 3650;
const LEAF_DAYS = 365;
const CA_ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const LEAF_ALGORITHM = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 2048,
};
const CA_NAME = "CN=sluice sandbox CA";

/**
 * The certificates in `dir` (an existing folder), made where they are missing, broken or about to expire:
 * ca.pem, ca-key.pem, cert.pem, key.pem. The certificate is for localhost, 127.0.0.1 and ::1.
 */
export async function loadCertificates(dir: string, now: Date): Promise<Certificates> {
  const [ca, caKey, cert, key] = await Promise.all(
    ["ca.pem", "ca-key.pem", "cert.pem", "key.pem"].map((name) => readIfThere(join(dir, name))),
  );
  let authority = ca && caKey && isUsable(ca, caKey, now) ? { cert: ca, key: caKey } : undefined;
  if (authority && cert && key && isUsable(cert, key, now) && isIssuedBy(cert, authority)) {
    return { ca: authority.cert, cert, key };
  }
  if (!authority) {
    authority = await makeAuthority(now);
    await replaceFile(join(dir, "ca-key.pem"), authority.key, 0o600);
    await replaceFile(join(dir, "ca.pem"), authority.cert, 0o644);
  }
  const leaf = await makeLeaf(authority, now);
  await replaceFile(join(dir, "key.pem"), leaf.key, 0o600);
  await replaceFile(join(dir, "cert.pem"), leaf.cert, 0o644);
  return { ca: authority.cert, ...leaf };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Whether certificate and key belong together and hold for another day. */
function isUsable(cert: string, key: string, now: Date): boolean {
  try {
    const parsed = new X509Certificate(cert);
    const holds =
      Date.parse(parsed.validFrom) <= now.getTime() && Date.parse(parsed.validTo) > now.getTime() + DAY_MS;
    return holds && parsed.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false; // not a certificate or not a key: made anew
  }
}

function isIssuedBy(cert: string, authority: Authority): boolean {
  return new X509Certificate(cert).verify(new X509Certificate(authority.cert).publicKey);
}

async function makeAuthority(now: Date): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(CA_ALGORITHM, true, ["sign", "verify"]);
  const cert = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: CA_NAME,
    ...validity(now, CA_DAYS),
    signingAlgorithm: CA_ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: cert.toString("pem"), key: await pemOf(keys.privateKey) };
}

async function makeLeaf(authority: Authority, now: Date): Promise<{ cert: string; key: string }> {
  const signingKey = await webcrypto.subtle.importKey(
    "pkcs8",
    createPrivateKey(authority.key).export({ type: "pkcs8", format: "der" }),
    CA_ALGORITHM,
    false,
    ["sign"],
  );
  const keys = await webcrypto.subtle.generateKey(LEAF_ALGORITHM, true, ["sign", "verify"]);
  const caKey = new X509Certificate(authority.cert).publicKey.export({ type: "spki", format: "der" });
  const cert = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: "CN=localhost",
    issuer: CA_NAME,
    ...validity(now, LEAF_DAYS),
    signingAlgorithm: CA_ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([
        { type: "dns", value: "localhost" },
        { type: "ip", value: "127.0.0.1" },
        { type: "ip", value: "::1" },
      ]),
      await AuthorityKeyIdentifierExtension.create(
        await webcrypto.subtle.importKey("spki", caKey, CA_ALGORITHM, true, ["verify"]),
      ),
    ],
  });
  return { cert: cert.toString("pem"), key: await pemOf(keys.privateKey) };
}

/** From a day ago, so that a clock that lags a little still trusts it. */
function validity(now: Date, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now.getTime() - DAY_MS), notAfter: new Date(now.getTime() + days * DAY_MS) };
}

/** RFC 5280 §4.1.2.2: positive and unique. */
function serialNumber(): string {
  return `01${randomBytes(15).toString("hex")}`;
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" })
    .export({ type: "pkcs8", format: "pem" })
    .toString();
}
