/**
 * Names of local users, from /etc/passwd.
 *
 * Promises: the file is read again when it has changed; of two names for a uid the first one counts, as for the C library.
 * A uid that the file does not name, or all of them when it cannot be read, are written `uid:1234`: users of a directory
 * service (SSSD, LDAP) are.
 */
import { readFile, stat } from "node:fs/promises";

export class UserNames {
  readonly #file: string;
  #names: ReadonlyMap<number, string> = new Map();
  #version = "";

  constructor(file = "/etc/passwd") {
    this.#file = file;
  }

  /** Looks whether the file has changed. Never rejects. */
  async refresh(): Promise<void> {
    try {
      const { mtimeMs, size, ino } = await stat(this.#file);
      const version = [mtimeMs, size, ino].join();
      if (version === this.#version) return;
      this.#names = namesIn(await readFile(this.#file, "utf8"));
      this.#version = version;
    } catch {
      this.#names = new Map();
      this.#version = "";
    }
  }

  nameOf(uid: number): string {
    return this.#names.get(uid) ?? `uid:${uid}`;
  }
}

/** passwd(5): `name:password:uid:…`. */
function namesIn(text: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split("\n")) {
    const [name = "", , uid = ""] = line.split(":");
    if (/^\d+$/.test(uid) && /^[^\s#]+$/.test(name) && !names.has(Number(uid))) names.set(Number(uid), name);
  }
  return names;
}
