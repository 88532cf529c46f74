/**
 * The config in force: one immutable snapshot, and how another takes its place while mail flows.
 *
 *     asked ─▶ load ─▶ whole? ─▶ no account with mail is gone? ─▶ in force, everybody told ─▶ `reloaded`
 *                └▶ no: told, with all its problems; the one before stays, and `warnings` says so until a good one comes
 *
 * Promises: one at a time; asked while one runs, another follows. What can only be read at a start (where mail is kept
 * and listened for) stays as it was, and is named. Refuses to lose sight of mail: an account that has some stays.
 */
import type { Config } from "./config/config.ts";
import type { Events } from "./observe/events.ts";

/** What reading the config file gave; sentences for people. */
export type Loaded =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

export interface ReloadParts {
  /** To begin with. */
  readonly config: Config;
  readonly load: () => Loaded;
  /** How many messages are in the spool, by account. */
  readonly messagesOf: () => Promise<ReadonlyMap<string | null, number>>;
  /** Everybody goes on by this one. */
  readonly apply: (config: Config) => void;
  readonly onOutcome: (outcome: "done" | "refused") => void;
  readonly events: Pick<Events, "report">;
  readonly now: () => number;
}

/** What a running agent cannot change, as paths in the config file. */
const AT_START: Readonly<Record<string, (config: Config) => unknown>> = {
  stateDir: ({ stateDir }) => stateDir,
  redis: ({ redis }) => redis,
  "listen.addresses": ({ listen }) => listen.addresses,
  http: ({ http }) => http,
};

export class ConfigInForce {
  readonly #parts: ReloadParts;
  #current: Config;
  #sinceMs: number;
  #warnings: readonly string[] = [];
  #asked = false;
  #running: Promise<void> | undefined;

  constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#current = parts.config;
    this.#sinceMs = parts.now();
  }

  get current(): Config {
    return this.#current;
  }

  /** Since when it is in force, milliseconds since 1970. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** What an operator should know of the last time it was asked to reload; nothing when that went well. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Reads the config file again. Never rejects. */
  reload(): Promise<void> {
    this.#asked = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    while (this.#asked) {
      this.#asked = false;
      try {
        await this.#once();
      } catch (error) {
        this.#refuse([(error as Error).message]);
      }
    }
  }

  async #once(): Promise<void> {
    const { load, apply, onOutcome, events } = this.#parts;
    const loaded = load();
    if (!loaded.ok) return this.#refuse(loaded.problems);
    const kept = await this.#leftBehind(loaded.config);
    if (kept.length > 0) return this.#refuse(kept);
    const before = this.#current;
    const restart = Object.keys(AT_START).filter((key) => differs(AT_START[key], before, loaded.config));
    const { stateDir, redis, http, listen } = before;
    this.#current = {
      ...loaded.config,
      stateDir,
      redis,
      http,
      listen: { ...loaded.config.listen, addresses: listen.addresses },
    };
    this.#sinceMs = this.#parts.now();
    apply(this.#current);
    this.#warnings = restart.map((key) => `${key} was changed in the config file: restart to use it`);
    onOutcome("done");
    const { warnings } = loaded;
    const level = restart.length + warnings.length > 0 ? "warn" : "info";
    events.report("reloaded", { what: "config", restart, warnings }, level);
  }

  #refuse(problems: readonly string[]): void {
    this.#parts.onOutcome("refused");
    const at = new Date(this.#parts.now()).toISOString();
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more: sluice check)` : "";
    this.#warnings = [
      `the config file was refused at ${at}, the one before stays in force: ${problems[0]}${more}`,
    ];
    this.#parts.events.report("trouble", { part: "config", reason: this.#warnings[0], problems }, "error");
  }

  /** Accounts that the next config lacks although there is mail of theirs: a sentence each. */
  async #leftBehind(next: Config): Promise<string[]> {
    const names = new Set(next.accounts.map(({ name }) => name));
    const gone = this.#current.accounts.filter(({ name }) => !names.has(name));
    if (gone.length === 0) return [];
    const messages = await this.#parts.messagesOf();
    return gone.flatMap(({ name }) => {
      const count = messages.get(name) ?? 0;
      const remedy = `put it back until they are gone: sluice queue --account ${name}`;
      return count === 0 ? [] : [`account ${name} is not in the config and has ${count} messages; ${remedy}`];
    });
  }
}

function differs(of: ((config: Config) => unknown) | undefined, a: Config, b: Config): boolean {
  return JSON.stringify(of?.(a)) !== JSON.stringify(of?.(b));
}
