/**
 * Looks at a TLS that was refused: which version, cipher and certificate the upstream would have had.
 *
 * Promises: says nothing after the handshake, neither EHLO nor a credential, so that nothing hangs on its lack of trust.
 * Takes whatever the upstream speaks, old versions and strangers' certificates included: it is there to be told about.
 */
import net from "node:net";
import { createInterface } from "node:readline";
import tls from "node:tls";
import { withinLimit } from "./limit.ts";
import type { Place } from "./talk.ts";

const LIMIT_MS = 5000;

export interface Handshake {
  readonly protocol: string;
  /** OpenSSL's name. */
  readonly cipher: string;
  readonly certificate: tls.PeerCertificate;
}

/** Undefined when no TLS comes about at all. */
export async function anyHandshake({ host, address, target }: Place): Promise<Handshake | undefined> {
  const raw = net.connect({ host: address, port: target.port });
  raw.on("error", () => {});
  try {
    const asked = handshakeOn(raw, { host, security: target.security, hostname: target.hostname });
    return await withinLimit(
      asked.catch(() => undefined),
      LIMIT_MS,
      () => undefined,
    );
  } finally {
    raw.destroy();
  }
}

async function handshakeOn(
  raw: net.Socket,
  { host, security, hostname }: { host: string; security: "starttls" | "tls"; hostname: string },
): Promise<Handshake | undefined> {
  if (security === "starttls" && !(await askForTls(raw, hostname))) return undefined;
  const secured = tls.connect({
    socket: raw,
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
    rejectUnauthorized: false, // nothing is said on it
    minVersion: "TLSv1",
    ciphers: "ALL:@SECLEVEL=0",
  });
  return new Promise((resolve) => {
    secured.once("error", () => resolve(undefined));
    secured.once("close", () => resolve(undefined));
    secured.once("secureConnect", () => {
      resolve({
        protocol: secured.getProtocol() ?? "unknown",
        cipher: secured.getCipher().name,
        certificate: secured.getPeerCertificate(),
      });
      secured.destroy();
    });
  });
}

/** RFC 3207 §4: greeting, EHLO, STARTTLS. */
async function askForTls(raw: net.Socket, hostname: string): Promise<boolean> {
  const lines = createInterface({ input: raw });
  const answers = [`EHLO ${hostname}\r\n`, "STARTTLS\r\n"];
  try {
    for await (const line of lines) {
      if (/^\d{3}-/.test(line)) continue;
      if (!/^2\d\d/.test(line)) return false;
      const next = answers.shift();
      if (next === undefined) return true;
      raw.write(next);
    }
    return false;
  } finally {
    lines.close();
    raw.removeAllListeners("data");
  }
}
