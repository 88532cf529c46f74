/**
 * The passwords of the accounts as they stand in their files now: a password may be replaced while sluice runs.
 *
 * Promises: a file that was written (with another password or the same) is read anew within `LOOK_MS`, and its
 * account named; one that cannot be used is told once, with the remedy, and the password before it stays. Refuses what the config's loading refuses.
 */
import { stat } from "node:fs/promises";
import type { Account, Secret } from "../config/config.ts";
import { processReader, readSecretFile } from "../config/secrets.ts";

const LOOK_MS = 2000;

export interface CredentialsParts {
  readonly accounts: readonly Account[];
  readonly onChanged: (account: string) => void;
  readonly onTrouble: (account: string, reason: string) => void;
}

export class Credentials {
  readonly #parts: CredentialsParts;
  #accounts: readonly Account[];
  readonly #passwords = new Map<string, Secret>();
  /** What each file looked like when it was read. */
  readonly #seen = new Map<string, string>();
  readonly #timer: NodeJS.Timeout;

  constructor(parts: CredentialsParts) {
    this.#parts = parts;
    this.#accounts = parts.accounts;
    this.use(parts.accounts);
    this.#timer = setInterval(() => void this.#look(), LOOK_MS).unref();
  }

  /** The password of an account, to be revealed when it is used. */
  of(account: string): Pick<Secret, "reveal"> {
    return { reveal: () => this.#passwords.get(account)?.reveal() ?? "" };
  }

  /** These are the accounts from now on, with the passwords that their files had when the config was loaded. */
  use(accounts: readonly Account[]): void {
    this.#accounts = accounts;
    this.#passwords.clear();
    this.#seen.clear();
    for (const { name, password } of accounts) this.#passwords.set(name, password);
    void this.#look();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const accounts = this.#accounts;
    for (const { name, passwordFile } of accounts) {
      const looks = await stat(passwordFile).then(
        ({ ino, size, mtimeMs, mode, uid }) => [ino, size, mtimeMs, mode, uid].join(" "),
        (error: NodeJS.ErrnoException) => error.code ?? "",
      );
      if (this.#accounts !== accounts) return; // others since: they are looked at by themselves
      const before = this.#seen.get(name);
      this.#seen.set(name, looks);
      if (before !== looks) this.#read(name, passwordFile, before === undefined ? "first" : "changed");
    }
  }

  /** The first time: whether it was replaced since the config was loaded. */
  #read(name: string, path: string, time: "first" | "changed"): void {
    const reading = readSecretFile(path, processReader());
    if (!reading.ok) {
      this.#parts.onTrouble(
        name,
        `${reading.message}; ${reading.remedy}. The password before it stays in use`,
      );
      return;
    }
    if (time === "first" && reading.secret.reveal() === this.#passwords.get(name)?.reveal()) return;
    this.#passwords.set(name, reading.secret);
    this.#parts.onChanged(name);
  }
}
