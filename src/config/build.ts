/**
 * Settings and file contents put together as the `Config` that the program runs on.
 *
 * Promises: units in names, pairs with the config path that allows them, everything frozen in one place.
 * Refuses: nothing is checked here; what arrives is complete (load.ts saw to it), and a gap is a bug.
 */

import type { Pace } from "../schedule/pace.ts";
import type { Config, PublicConfig, RedisConfig, Secret } from "./config.ts";
import { defaultBurst } from "./layers.ts";
import { presetOf } from "./presets.ts";
import { replyRules } from "./reply-rules.ts";
import type { Settings } from "./schema.ts";

type PacedPace = Extract<Pace, { kind: "paced" }>;
type PerYearSetting = NonNullable<
  Extract<Settings["accounts"][number]["pace"], { perHour: number }>["perYear"]
>;

/** A password and where it came from, an absolute path. */
export interface PasswordFile {
  readonly password: Secret;
  readonly passwordFile: string;
}

/** What the files named by the config hold; passwords in the order of the accounts. */
export interface FileContents {
  /** Absolute. */
  readonly stateDir: string;
  readonly passwords: readonly (PasswordFile | undefined)[];
  readonly redisPassword?: Secret | undefined;
  readonly redisCa?: string | undefined;
  readonly upstreamCa?: string | undefined;
}

/** The config of the agent. */
export function buildConfig(file: string, settings: Settings, contents: FileContents): Config {
  const { upstream } = settings;
  const open = buildPublicConfig(file, settings, contents.stateDir);
  const service = upstream.service ?? "custom";
  return {
    ...open,
    redis: redisOf(settings, contents),
    upstream: {
      service,
      hosts: present(upstream.hosts, "upstream.hosts"),
      port: upstream.port,
      security: upstream.security,
      ...(upstream.ciphers !== undefined && { ciphers: upstream.ciphers }),
      ...(contents.upstreamCa !== undefined && { ca: contents.upstreamCa }),
      sessions: upstream.sessions,
      messagesPerSession: upstream.messagesPerSession,
      replies: [
        ...replyRules(upstream.replies, "config"),
        ...replyRules(presetOf(service)?.replies ?? [], service),
      ],
    },
    accounts: open.accounts.map((account, index) => ({
      ...account,
      ...present(contents.passwords[index], `the password of ${account.name}`),
    })),
  };
}

/** The part that needs no password or CA file. */
export function buildPublicConfig(file: string, settings: Settings, stateDir: string): PublicConfig {
  const { listen, limits, senders, recipients, urgent, retry, keep, notices } = settings;
  const pairs = settings.accounts.flatMap((account, index) =>
    account.senders.map((pair, position) => ({
      pair,
      account: account.name,
      rule: `accounts[${index}].senders[${position}]`,
    })),
  );
  const from = present(
    pairs.find(({ pair: { envelope, header } }) => [envelope, header].every((one) => one === notices.from)) ??
      pairs[0],
    "a pair for notices",
  );
  return {
    file,
    hostname: present(settings.hostname, "hostname"),
    stateDir,
    listen,
    limits: {
      messageSizeBytes: limits.messageSize,
      recipients: limits.recipients,
      hops: limits.hops,
      queue: limits.queue,
      freeDiskBytes: limits.freeDisk,
      uploadsBytes: limits.uploads,
    },
    accounts: settings.accounts.map(({ name, username, recipients: { allowDomains }, pace }) => ({
      name,
      username,
      allowDomains,
      pace: paceOf(pace),
    })),
    senders: {
      pairs,
      rewrite: senders.rewrite.map(({ match, user, to }, index) => ({
        match,
        ...(user !== undefined && { user }),
        to,
        rule: `senders.rewrite[${index}]`,
      })),
      unknown: senders.unknown,
      keepOriginal: senders.keepOriginal,
      nullSender: from.pair.envelope,
    },
    recipients: { aliases: new Map(Object.entries(recipients.aliases)) },
    urgent,
    notices: {
      from: { account: from.account, pair: from.pair },
      failure: notices.failure,
      ...(notices.delayAfter !== undefined && { delayAfterMs: notices.delayAfter }),
      perHour: notices.perHour,
    },
    retry: { firstMs: retry.first, maxMs: retry.max, expireAfterMs: retry.expireAfter },
    keep: {
      historyMs: keep.history,
      bouncedMs: keep.bounced,
      usageMs: keep.usage,
      subjects: keep.subjects === "yes",
    },
    stopTimeoutMs: settings.stopTimeout,
    http: settings.http === "off" ? "off" : settings.http.listen,
    log: settings.log,
    staticAddresses: settings.upstream.static,
    request: requestOf(settings.request),
  };
}

function paceOf(pace: Settings["accounts"][number]["pace"]): Pace {
  if (pace === "unlimited") return { kind: "unlimited" };
  const {
    perHour,
    burst = defaultBurst(perHour),
    recipientsPerHour,
    bytesPerHour,
    urgentShare,
    perYear,
  } = pace;
  return {
    kind: "paced",
    perHour,
    burst,
    urgentShare,
    ...(recipientsPerHour !== undefined && { recipientsPerHour }),
    ...(bytesPerHour !== undefined && { bytesPerHour }),
    ...(perYear !== undefined && { perYear: yearOf(perYear) }),
  };
}

function yearOf({ messages, bytes, starts, at }: PerYearSetting): NonNullable<PacedPace["perYear"]> {
  return { starts, at, ...(messages !== undefined && { messages }), ...(bytes !== undefined && { bytes }) };
}

function requestOf({ group, owner, application, audience }: Settings["request"]): PublicConfig["request"] {
  return {
    ...(group !== undefined && { group }),
    ...(owner !== undefined && { owner }),
    ...(application !== undefined && { application }),
    ...(audience !== undefined && { audience }),
  };
}

function redisOf({ redis }: Settings, { redisPassword, redisCa }: FileContents): RedisConfig {
  if (redis.kind === "embedded") return redis;
  return {
    kind: "external",
    url: redis.url,
    ...(redisPassword !== undefined && { password: redisPassword }),
    ...(redisCa !== undefined && { ca: redisCa }),
  };
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`cannot build the config as ${what} is missing after all checks`);
  return value;
}
