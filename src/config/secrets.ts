/**
 * Passwords: read from files of their own, kept so that nothing prints them by accident.
 *
 * Promises: a password file is a regular file of one line that nobody else can read; the text appears in no message.
 * Refuses: group or other bits in the mode (chmod 600), owners other than us or root, empty files, several lines, NUL.
 * A file under $CREDENTIALS_DIRECTORY is systemd's: root's, and the group may read it (an ACL shows as group bits).
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { inspect } from "node:util";
import type { Secret } from "./config.ts";

/** Who reads: the numeric user id, and the folder of systemd credentials if there is one. */
export interface Reader {
  readonly uid: number;
  readonly credentialsDirectory?: string | undefined;
}

export type SecretReading =
  | { readonly ok: true; readonly secret: Secret }
  | {
      readonly ok: false;
      readonly message: string;
      readonly remedy: string;
      /** It may be well: it is another user's, and this one may not look. */
      readonly denied?: true;
    };

const MAX_BYTES = 4096;

/** Who this process is. */
export function processReader(): Reader {
  return { uid: process.getuid?.() ?? 0, credentialsDirectory: process.env.CREDENTIALS_DIRECTORY };
}

/** Wraps a text so that String(), template strings, JSON and util.inspect show `****`. */
export function makeSecret(text: string): Secret {
  const masked = () => "****" as const;
  return Object.freeze({
    reveal: () => text,
    toString: masked,
    toJSON: masked,
    [inspect.custom]: masked,
  });
}

/** Reads a password file; `path` is absolute. */
export function readSecretFile(path: string, reader: Reader): SecretReading {
  let file: number;
  try {
    // Not blocking: a pipe in place of the file must not hang the start.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return unreadable(path, error as NodeJS.ErrnoException, reader);
  }
  try {
    const unsafe = refusedStats(path, fstatSync(file), reader);
    if (unsafe) return unsafe;
    const bytes = Buffer.alloc(MAX_BYTES + 1);
    return secretIn(bytes.subarray(0, readSync(file, bytes)), path);
  } catch (error) {
    return unreadable(path, error as NodeJS.ErrnoException, reader);
  } finally {
    closeSync(file);
  }
}

function unreadable(path: string, error: NodeJS.ErrnoException, { uid }: Reader): SecretReading {
  if (error.code === "ENOENT") {
    return refused(
      `${path} does not exist`,
      `write the password into it in one line, then: chmod 600 ${path}`,
    );
  }
  if (error.code !== "EACCES")
    return refused(`${path} cannot be read (${error.code})`, "check the path and the disk");
  const owner = ownerOf(path);
  const whose = owner === undefined ? "by another user" : `by its owner (uid ${owner})`;
  const message = `${path} can only be read ${whose}, and this is running as uid ${uid}`;
  if (owner === uid) return refused(message, `run: chmod 600 ${path}`);
  return { ...refused(message, "run this as root or as the user of the service"), denied: true };
}

function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid;
  } catch {
    return undefined;
  }
}

function refusedStats(
  path: string,
  stats: Stats,
  { uid, credentialsDirectory }: Reader,
): SecretReading | undefined {
  if (!stats.isFile()) return refused(`${path} is not a regular file`, "name a file that holds the password");
  const systemds = credentialsDirectory !== undefined && path.startsWith(`${credentialsDirectory}/`);
  const forbidden = systemds ? 0o037 : 0o077;
  if ((stats.mode & forbidden) !== 0) {
    const mode = (stats.mode & 0o777).toString(8).padStart(4, "0");
    return refused(`${path} can be read or changed by others (mode ${mode})`, `run: chmod 600 ${path}`);
  }
  // Root reads the service user's file too: `sudo sluice check`.
  if (uid !== 0 && stats.uid !== uid && stats.uid !== 0) {
    return refused(
      `${path} belongs to uid ${stats.uid}, not to us (uid ${uid}) or root`,
      `run: chown ${uid} ${path}`,
    );
  }
  return undefined;
}

function secretIn(bytes: Buffer, path: string): SecretReading {
  if (bytes.length > MAX_BYTES)
    return refused(`${path} is longer than ${MAX_BYTES} bytes`, "is it the right file?");
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/\r?\n$/, "");
  } catch {
    return refused(`${path} is not text (UTF-8)`, "write the password into it as text");
  }
  if (text === "") return refused(`${path} is empty`, "write the password into it in one line");
  if (/[\0\r\n]/.test(text)) {
    return refused(`${path} holds more than one line, or a NUL`, "leave only the password, in one line");
  }
  return { ok: true, secret: makeSecret(text) };
}

function refused(message: string, remedy: string): Extract<SecretReading, { ok: false }> {
  return { ok: false, message, remedy };
}
