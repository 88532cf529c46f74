/**
 * Who is logged in to the status page: links good for one login, and the sessions that come of them.
 *
 * Promises: 32 random bytes each, kept as a hash and in memory only, so a restart ends them all; a link is good once, for
 * ten minutes; a session ends after twelve hours in which nobody asked. Both are few: the oldest goes when there is one
 * too many. Compared in constant time.
 * Refuses to say who may have a link: the control socket gives them out.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

const SECRET_BYTES = 32;
const LINK_MS = 600_000;
const LINKS = 16;
const IDLE_MS = 12 * 3_600_000;
const SESSIONS = 32;

interface Kept {
  readonly hash: Buffer;
  untilMs: number;
}

export class Logins {
  readonly #elapsed: () => number;
  /** The oldest first. */
  #links: Kept[] = [];
  #sessions: Kept[] = [];

  /** `elapsed`: monotonic milliseconds. */
  constructor(elapsed: () => number) {
    this.#elapsed = elapsed;
  }

  /** A token for one login. */
  issue(): string {
    const token = secret();
    const untilMs = this.#elapsed() + LINK_MS;
    this.#links = [...this.#good(this.#links), { hash: hashOf(token), untilMs }].slice(-LINKS);
    return token;
  }

  /** The id of a new session for a good token, which is used up. */
  logIn(token: string): string | undefined {
    const link = this.#find(this.#links, token);
    if (!link) return undefined;
    this.#links = this.#links.filter((one) => one !== link);
    const id = secret();
    const untilMs = this.#elapsed() + IDLE_MS;
    this.#sessions = [...this.#good(this.#sessions), { hash: hashOf(id), untilMs }].slice(-SESSIONS);
    return id;
  }

  /** Whether this is the id of a session; then it goes on for twelve hours from now. */
  knows(id: string): boolean {
    const session = this.#find(this.#sessions, id);
    if (session) session.untilMs = this.#elapsed() + IDLE_MS;
    return session !== undefined;
  }

  #find(kept: readonly Kept[], text: string): Kept | undefined {
    const hash = hashOf(text);
    let found: Kept | undefined;
    for (const one of this.#good(kept)) if (timingSafeEqual(one.hash, hash)) found = one;
    return found;
  }

  #good(kept: readonly Kept[]): Kept[] {
    return kept.filter(({ untilMs }) => this.#elapsed() < untilMs);
  }
}

function secret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}

function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
