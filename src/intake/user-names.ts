/**
 * Names of local users, from /etc/passwd.
 *
 * Promises: a name is that of the file as it is now: whether it has changed is looked at each time, in some two microseconds,
 * and it is read again when it has; of two names for a uid the first one counts, as for the C library.
 * A uid that the file does not name, or all of them when it cannot be read, are written `uid:1234`: users of a directory
 * service (SSSD, LDAP) are.
 */
import { readFileSync, statSync } from "node:fs";

export class UserNames {
  readonly #file: string;
  #names: ReadonlyMap<number, string> = new Map();
  #version = "";

  constructor(file = "/etc/passwd") {
    this.#file = file;
  }

  /** Never throws. */
  nameOf(uid: number): string {
    this.#refresh();
    return this.#names.get(uid) ?? `uid:${uid}`;
  }

  #refresh(): void {
    try {
      const { mtimeMs, size, ino } = statSync(this.#file);
      const version = [mtimeMs, size, ino].join();
      if (version === this.#version) return;
      this.#names = namesIn(readFileSync(this.#file, "utf8"));
      this.#version = version;
    } catch {
      this.#names = new Map();
      this.#version = "";
    }
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
