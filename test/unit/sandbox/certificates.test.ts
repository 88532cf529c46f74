/** The simulator's certificates: what they say, and that trust in the CA lasts. */
import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Certificates, loadCertificates } from "../../../src/sandbox/certificates.ts";

const now = new Date("2026-03-01T12:00:00Z");
const later = (days: number) => new Date(now.getTime() + days * 86_400_000);
let dir: string;
let first: Certificates;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "sluice-certificates-"));
  first = await loadCertificates(dir, now);
});
afterAll(() => rm(dir, { recursive: true }));

test("the certificate is this machine's, signed by the CA, and keys are private", async () => {
  const cert = new X509Certificate(first.cert);
  expect(cert.checkHost("localhost")).toBe("localhost");
  expect(cert.checkIP("127.0.0.1")).toBe("127.0.0.1");
  expect(cert.checkIP("::1")).toBe("::1");
  expect(cert.checkHost("example.org")).toBeUndefined();
  expect(cert.verify(new X509Certificate(first.ca).publicKey)).toBe(true);
  expect(new X509Certificate(first.ca).ca).toBe(true);
  expect(cert.ca).toBe(false);
  for (const key of ["key.pem", "ca-key.pem"]) expect((await stat(join(dir, key))).mode & 0o777).toBe(0o600);
});

test("a later start finds the same ones", async () => {
  expect(await loadCertificates(dir, later(300))).toEqual(first);
});

test("a certificate about to expire is issued anew by the same CA", async () => {
  const renewed = await loadCertificates(dir, later(364.5));
  expect(renewed.ca).toBe(first.ca);
  expect(renewed.cert).not.toBe(first.cert);
  expect(new X509Certificate(renewed.cert).verify(new X509Certificate(first.ca).publicKey)).toBe(true);
});

test("a damaged CA is made anew, with a certificate of its own", async () => {
  await writeFile(join(dir, "ca-key.pem"), "not a key");
  const other = await loadCertificates(dir, now);
  expect(other.ca).not.toBe(first.ca);
  expect(new X509Certificate(other.cert).verify(new X509Certificate(other.ca).publicKey)).toBe(true);
});
