/**
 * What delivers the mail of one account, put together: gate, connector, pacer, feeder.
 *
 * Promises: accounts share the upstream's breaker, the session slots and the order of hosts, and nothing else.
 */
import type { Account, Config } from "../config/config.ts";
import { chargesOfLastHour } from "../journal/questions.ts";
import { credentialId } from "../pacing/credential-key.ts";
import { Pacer } from "../pacing/pacer.ts";
import type { Redis } from "../queue/redis.ts";
import { bucketsOf, type PastCharge, transactionRecipients } from "../schedule/pace.ts";
import { judgeWith } from "../schedule/verdict.ts";
import { connector } from "../upstream/connector.ts";
import type { HostOrder } from "../upstream/hosts.ts";
import { Feeder, type FeederParts } from "./feeder.ts";
import { Gate } from "./gate.ts";
import type { Standing } from "./standing.ts";

/** What this file makes. */
type Own =
  | "account"
  | "pacer"
  | "gate"
  | "connect"
  | "retry"
  | "pairBreaker"
  | "random"
  | "maxRecipients"
  | "bulkHeld";

export interface AccountParts extends Omit<FeederParts, Own> {
  readonly config: Config;
  readonly redis: Redis;
  /** This installation's id. */
  readonly instance: string;
  readonly journalFolder: string;
  readonly standing: Standing;
  readonly hosts: HostOrder;
  /** Charged by this feeder and others, also those that it takes the place of, and not in the journal yet. */
  readonly openCharges: () => readonly PastCharge[];
}

export function accountFeeder({ name, username, pace }: Account, parts: AccountParts): Feeder {
  const { config, redis, instance, journalFolder, standing, hosts, now, openCharges } = parts;
  const { breakers, credentials } = standing;
  const credential = credentialId(username);
  const { port, security, ciphers, ca, messagesPerSession, replies } = config.upstream;
  const judge = judgeWith(replies);
  const connect = connector(
    {
      port,
      security,
      hostname: config.hostname,
      username,
      password: credentials.of(name),
      mailMax: messagesPerSession,
      judge,
      ...(ciphers === undefined ? {} : { ciphers }),
      ...(ca === undefined ? {} : { ca }),
    },
    hosts,
  );
  return new Feeder({
    ...parts,
    account: name,
    pacer: new Pacer({
      redis,
      username,
      buckets: bucketsOf(pace, config.limits.messageSizeBytes),
      instance,
      shared: config.redis.kind === "external",
      // Asked first: what is not open any more is in the journal by then.
      chargesOfLastHour: async () => {
        const open = openCharges().filter((charge) => charge.credential === credential);
        return [...(await chargesOfLastHour(journalFolder, { credential, account: name }, now())), ...open];
      },
      now,
    }),
    maxRecipients: transactionRecipients(pace),
    bulkHeld: () => standing.years.heldReason(name),
    gate: new Gate({ account: breakers.account(name), upstream: breakers.upstream, judge }),
    connect,
    retry: config.retry,
    pairBreaker: (entry) => breakers.pair(entry),
    random: Math.random,
  });
}
