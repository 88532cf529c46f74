/**
 * The files that a config names: paths made absolute, passwords and CA certificates read.
 *
 * Promises: a relative path is relative to the config file's folder; every file is looked at, also after the first bad one.
 * Refuses: variables other than ${CREDENTIALS_DIRECTORY} and ${STATE_DIRECTORY} (the schema already did); bad PEM.
 */
import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { PasswordFile } from "./build.ts";
import type { Config } from "./config.ts";
import type { Finding, Path } from "./findings.ts";
import { readSecretFile } from "./secrets.ts";

/** Where paths in a config file lead, and what went wrong on the way. */
export interface FileReader {
  /** Absolute path; undefined (and a finding) when its variable is not set here. */
  locate(path: Path, written: string): string | undefined;
  /** The password in a file; undefined when it cannot be had. */
  password(path: Path, written: string | undefined): PasswordFile | undefined;
  /** The certificates in a file, as PEM text; undefined when they cannot be had. */
  certificates(path: Path, written: string | undefined): string | undefined;
  readonly findings: readonly Finding[];
  /** Where $CREDENTIALS_DIRECTORY, which only the service has, is not set: no problem for `check` by hand. */
  readonly absentCredentials: readonly Finding[];
}

/** Reads the files of one config; `folder` is the config file's own, `uid` the user we run as. */
export function fileReader(folder: string, env: NodeJS.ProcessEnv, uid: number): FileReader {
  const findings: Finding[] = [];
  const absentCredentials: Finding[] = [];
  const locate = (path: Path, written: string): string | undefined => {
    let unset: string | undefined;
    const expanded = written.replace(/\$\{(\w+)\}/g, (_, name: string) => {
      const value = name === "STATE_DIRECTORY" ? env[name]?.split(":")[0] : env[name];
      if (!value) unset = name;
      return value ?? "";
    });
    if (unset === undefined) return resolve(folder, expanded);
    const message = `cannot be looked at: $${unset} is not set here; systemd sets it for the service`;
    const remedy = "see LoadCredential= and StateDirectory= in systemd.exec(5)";
    if (unset !== "CREDENTIALS_DIRECTORY") findings.push({ path, value: written, message, remedy });
    else absentCredentials.push({ path, value: written, message, remedy, denied: true });
    return undefined;
  };
  return {
    findings,
    absentCredentials,
    locate,
    password(path, written) {
      const file = written === undefined ? undefined : locate(path, written);
      if (written === undefined || file === undefined) return undefined;
      if (!written.includes("/") && !existsSync(file)) {
        // It may be the password itself, written in the wrong place: it is not repeated.
        const remedy = "write the path of a file; a password never stands in the config file";
        findings.push({ path, message: "names no file in the folder of the config file", remedy });
        return undefined;
      }
      const reading = readSecretFile(file, { uid, credentialsDirectory: env.CREDENTIALS_DIRECTORY });
      if (reading.ok) return { password: reading.secret, passwordFile: file };
      const { message, remedy, denied } = reading;
      findings.push({ path, message, remedy, ...(denied && { denied }) });
      return undefined;
    },
    certificates(path, written) {
      const file = written === undefined ? undefined : locate(path, written);
      if (file === undefined) return undefined;
      const pem = readCertificates(file);
      if (typeof pem === "string") return pem;
      findings.push({ path, value: written, ...pem });
      return undefined;
    },
  };
}

/** When the config file, or the account's password file, was written last; milliseconds since 1970. */
export function lastChangeMs(config: Config, account: string | undefined): number {
  const known = config.accounts.find(({ name }) => name === account);
  const files = [config.file, ...(known ? [known.passwordFile] : [])];
  return Math.max(...files.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0));
}

function readCertificates(file: string): string | Pick<Finding, "message" | "remedy" | "denied"> {
  let pem: string;
  try {
    pem = readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EACCES")
      return {
        message: `${file} cannot be read by this user`,
        remedy: `run: chmod 644 ${file}`,
        denied: true,
      };
    const message = code === "ENOENT" ? "does not exist" : `cannot be read (${code})`;
    return { message: `${file} ${message}`, remedy: "name a file with certificates in PEM form" };
  }
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length > 0 && blocks.every(isCertificate)) return blocks.join("\n");
  return {
    message: `${file} holds no valid certificate`,
    remedy: "name a file with certificates in PEM form",
  };
}

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).subject !== undefined;
  } catch {
    return false;
  }
}
