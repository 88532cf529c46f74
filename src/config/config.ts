/**
 * What the rest of the program knows of the config: one immutable snapshot, in the units the code works with.
 *
 * Promises: everything in a `Config` has been checked, files included; a `Secret` cannot be printed by accident.
 * Refuses: nothing here runs. load.ts makes a `Config`; schema.ts says what the file may hold.
 */
import type { Address } from "../mail/address.ts";
import type { Pair } from "../mail/envelope.ts";
import type { SenderPolicy } from "../policy/senders.ts";
import type { ReplyRule } from "../schedule/catalogue.ts";
import type { Pace } from "../schedule/pace.ts";

/** A password. Only `reveal()` gives it away; printing, JSON and inspection show `****`. */
export interface Secret {
  reveal(): string;
  toString(): "****";
  toJSON(): "****";
}

/** One credential at the relay service. */
export interface Account {
  readonly name: string;
  readonly username: string;
  readonly password: Secret;
  /** Absolute; who owns it may write another password into it at any time. */
  readonly passwordFile: string;
  /** `wisc.edu`, `*.wisc.edu`, lower-case; empty means every domain. */
  readonly allowDomains: readonly string[];
  readonly pace: Pace;
}

export type RedisConfig =
  | { readonly kind: "embedded" }
  | { readonly kind: "external"; readonly url: string; readonly password?: Secret; readonly ca?: string };

export interface UpstreamConfig {
  /** The preset's name, or `custom`. */
  readonly service: string;
  readonly hosts: readonly string[];
  readonly port: number;
  readonly security: "starttls" | "tls";
  /** OpenSSL list for TLS 1.2. */
  readonly ciphers?: string;
  /** Extra trust as PEM text. */
  readonly ca?: string;
  readonly sessions: number;
  readonly messagesPerSession: number;
  /** What its replies mean by their words: the config's rules, then the preset's. */
  readonly replies: readonly ReplyRule[];
}

/** The part of the config that every local user may see: nothing from password files or CA files. */
export interface PublicConfig {
  /** Absolute path of the config file. */
  readonly file: string;
  readonly hostname: string;
  /** Absolute. */
  readonly stateDir: string;
  readonly listen: {
    readonly addresses: readonly { readonly host: string; readonly port: number }[];
    /** CIDR, always with a prefix length. */
    readonly clients: readonly string[];
    readonly maxConnections: number;
  };
  readonly limits: {
    readonly messageSizeBytes: number;
    readonly recipients: number;
    readonly hops: number;
    readonly queue: number;
    readonly freeDiskBytes: number;
    readonly uploadsBytes: number;
  };
  readonly accounts: readonly Omit<Account, "password" | "passwordFile">[];
  readonly senders: SenderPolicy;
  readonly recipients: { readonly aliases: ReadonlyMap<string, Address> };
  /** Field names are lower-case. */
  readonly urgent: {
    readonly headers: Readonly<Record<string, string>>;
    readonly senders: readonly Address[];
    /** Local users. */
    readonly users: readonly string[];
  };
  readonly notices: {
    /** What they go out as. */
    readonly from: { readonly account: string; readonly pair: Pair };
    readonly failure:
      | { readonly kind: "sender" }
      | { readonly kind: "none" }
      | { readonly kind: "address"; readonly address: Address };
    readonly delayAfterMs?: number;
    readonly perHour: number;
  };
  readonly retry: { readonly firstMs: number; readonly maxMs: number; readonly expireAfterMs: number };
  readonly keep: {
    readonly historyMs: number;
    readonly bouncedMs: number;
    readonly usageMs: number;
    /** Whether the journal has the Subject of each message. */
    readonly subjects: boolean;
  };
  readonly stopTimeoutMs: number;
  /** Where status page, health and metrics are served. */
  readonly http: { readonly host: string; readonly port: number } | "off";
  readonly log: {
    readonly level: "debug" | "info" | "warn" | "error";
    readonly recipients: "full" | "hashed";
  };
  /** The source addresses that are registered with the relay service. */
  readonly staticAddresses: readonly string[];
  /** What the relay service's access form asks and only a person knows. */
  readonly request: Readonly<Partial<Record<"group" | "owner" | "application" | "audience", string>>>;
}

/** All of it, secrets included: what the agent runs on. */
export interface Config extends PublicConfig {
  readonly redis: RedisConfig;
  readonly upstream: UpstreamConfig;
  readonly accounts: readonly Account[];
}

/** Something wrong or unwise in the config, for a person. */
export interface Problem {
  /** In the config file, from 1; absent when it is about the environment or the file as a whole. */
  readonly line?: number;
  /** `accounts[0].senders[2]`, the name of an environment variable, or empty. */
  readonly path: string;
  /** As written, shortened; never a secret. */
  readonly value?: string;
  readonly message: string;
  readonly remedy: string;
  /** It may be well: this user may not look. */
  readonly denied?: true;
}
