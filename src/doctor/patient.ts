/**
 * What doctor looks at: the config as far as it can be read, in the shape that the checks need.
 *
 * Promises: whatever is wrong with the config, the rest of it is there to be looked at. A part that is missing here was
 * refused, and stands among the problems.
 */
import type { Problem, Secret } from "../config/config.ts";
import type { ConfigReading } from "../config/load.ts";
import { type Preset, presetOf } from "../config/presets.ts";
import type { Address } from "../mail/address.ts";
import type { Pair } from "../mail/envelope.ts";

/** A port and how TLS is spoken there. */
export interface Door {
  readonly port: number;
  readonly security: "starttls" | "tls";
}

/** Where relay services take mail: RFC 8314 §3.3, RFC 6409 §3.1, RFC 5321 §4.5.4.2. The best first. */
const USUAL_DOORS: readonly Door[] = [
  { port: 587, security: "starttls" },
  { port: 465, security: "tls" },
  { port: 25, security: "starttls" },
];

/** The upstream as configured. */
export interface Target extends Door {
  readonly hosts: readonly string[];
  /** Other ports that it may be reached at. */
  readonly otherDoors: readonly Door[];
  readonly ciphers?: string;
  readonly ca?: string;
  /** There is a `caFile`, and this user may not read it. */
  readonly caDenied?: true;
  /** What EHLO says. */
  readonly hostname: string;
}

export interface AccountPart {
  /** Its name; its place in the config, where the name was refused. */
  readonly name: string;
  /** `accounts[0]`. */
  readonly path: string;
  readonly username?: string;
  readonly password?: Secret;
  /** What is wrong with its password file. */
  readonly passwordProblem?: Problem;
  readonly passwordFile?: string;
  readonly pairs: readonly Pair[];
  readonly perHour?: number;
}

export interface Patient {
  readonly file: string;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Absolute. */
  readonly stateDir?: string;
  readonly target?: Target;
  readonly preset?: Preset;
  readonly accounts: readonly AccountPart[];
  readonly listen: readonly { readonly host: string; readonly port: number }[];
  readonly limits: {
    readonly messageSizeBytes?: number;
    readonly freeDiskBytes?: number;
    readonly queue?: number;
  };
  readonly messagesPerSession?: number;
  readonly staticAddresses: readonly string[];
  readonly redis?:
    | { readonly kind: "embedded" }
    | { readonly kind: "external"; readonly url: string; readonly password?: Secret; readonly ca?: string };
}

export function patientOf(reading: ConfigReading): Patient {
  const { file, problems, warnings, loose, contents } = reading;
  const { upstream, limits } = loose;
  const preset = upstream?.service === undefined ? undefined : presetOf(upstream.service);
  const target = targetOf(reading);
  const redis = redisOf(reading);
  return {
    file,
    problems,
    warnings,
    ...(contents?.stateDir ? { stateDir: contents.stateDir } : {}),
    ...(target && { target }),
    ...(preset && { preset }),
    accounts: (loose.accounts ?? []).map((_, index) => accountOf(reading, index)),
    listen: (loose.listen?.addresses ?? []).flatMap((one) =>
      one?.host === undefined || one.port === undefined ? [] : [{ host: one.host, port: one.port }],
    ),
    limits: {
      ...defined("messageSizeBytes", limits?.messageSize),
      ...defined("freeDiskBytes", limits?.freeDisk),
      ...defined("queue", limits?.queue),
    },
    ...defined("messagesPerSession", upstream?.messagesPerSession),
    staticAddresses: present(upstream?.static),
    ...(redis && { redis }),
  };
}

function targetOf({ loose: { upstream, hostname }, contents, problems }: ConfigReading): Target | undefined {
  const hosts = present(upstream?.hosts);
  if (hosts.length === 0 || upstream?.port === undefined || upstream.security === undefined) return undefined;
  const caDenied = problems.some(({ path, denied }) => path === "upstream.caFile" && denied);
  const { port, security } = upstream;
  return {
    hosts,
    port,
    security,
    otherDoors: USUAL_DOORS.filter((door) => door.port !== port),
    ...defined("ciphers", upstream.ciphers),
    ...defined("ca", contents?.upstreamCa),
    ...(caDenied ? { caDenied } : {}),
    hostname: hostname ?? "localhost",
  };
}

function accountOf({ loose, contents, problems, warnings }: ConfigReading, index: number): AccountPart {
  const account = loose.accounts?.[index];
  const path = `accounts[${index}]`;
  const known = contents?.passwords[index];
  const problem = [...problems, ...warnings].find((one) => one.path === `${path}.passwordFile`);
  const pace = account?.pace;
  return {
    name: account?.name ?? path,
    path,
    ...defined("username", account?.username),
    ...(known && { password: known.password, passwordFile: known.passwordFile }),
    ...(problem && { passwordProblem: problem }),
    pairs: present(account?.senders),
    ...defined("perHour", typeof pace === "object" ? pace.perHour : undefined),
  };
}

function redisOf({ loose: { redis }, contents }: ConfigReading): Patient["redis"] {
  if (redis?.kind === "embedded") return { kind: "embedded" };
  if (redis?.kind !== "external" || redis.url === undefined) return undefined;
  return {
    kind: "external",
    url: redis.url,
    ...defined("password", contents?.redisPassword),
    ...defined("ca", contents?.redisCa),
  };
}

/** The distinct addresses of an account, envelope and header counted alike, as the relay service counts them. */
export function addressesOf({ pairs }: Pick<AccountPart, "pairs">): Address[] {
  return [...new Set(pairs.flatMap(({ envelope, header }) => [envelope, header]))];
}

function present<T>(list: readonly (T | undefined)[] | undefined): T[] {
  return (list ?? []).filter((one): one is T => one !== undefined);
}

function defined<Key extends string, T>(key: Key, value: T | undefined) {
  return (value === undefined ? {} : { [key]: value }) as { readonly [K in Key]?: T };
}
