/**
 * The config, written once: types, defaults, checks of single values, manual, example file and JSON Schema come from here.
 *
 * Promises: every key has a description and a default or an example; prefault values are written as a person would.
 * Refuses: unknown keys. What takes several keys to judge stands in rules.ts; files and environment in load.ts.
 */
import * as z from "zod";
import * as addressField from "./address-fields.ts";
import * as field from "./fields.ts";
import { defaultListenAddresses } from "./listen-address.ts";
import { account, upstream } from "./relay-schema.ts";
import { defaultMessageSize } from "./units.ts";

/** Keys whose feature a later version brings: refused with a sentence of their own. */
export const laterKeys: readonly string[] = ["users", "stormGuard"];

const listen = z.strictObject({
  addresses: z
    .array(field.listenAddress)
    .min(1)
    .max(16)
    .prefault([...defaultListenAddresses])
    .meta({
      description:
        "Where programs connect. Sockets handed over by systemd take their place; a missing IPv6 is a warning.",
    }),
  clients: z.array(field.clientRange).min(1).max(1000).prefault(["127.0.0.0/8", "::1/128"]).meta({
    description: "Who may connect. Has to be written out when an address above is not a loopback address.",
  }),
  maxConnections: z.int().min(1).max(10_000).prefault(200).meta({ description: "Connections at once." }),
});

const limits = z.strictObject({
  messageSize: field.size("10KB", "1GB").prefault(defaultMessageSize).meta({
    description:
      "Exclusive: what goes out stays below it, our own fields included. 5MB is 5,000,000 bytes, 5MiB is 5,242,880.",
  }),
  recipients: z.int().min(1).max(100_000).prefault(1000).meta({
    description: "Recipients of a message at the listener; transactions upstream carry at most 100.",
  }),
  hops: z.int().min(1).max(1000).prefault(50).meta({
    description: "Received fields in a message before it counts as a loop.",
  }),
  queue: z
    .int()
    .min(1)
    .max(10_000_000)
    .prefault(200_000)
    .meta({ description: "Messages in custody at once." }),
  freeDisk: field.size("1MB", "10TB").prefault("500MB").meta({
    description: "Room on the disk of stateDir; below it new mail is told to try again (452).",
  }),
  uploads: field.size("10KB", "10GB").prefault("64MB").meta({
    description: "Bytes being received at once, all sessions together; at least messageSize.",
  }),
});

const redisMap = z
  .strictObject({
    url: field.redisUrl.meta({ description: "redis://host:6379, rediss://host:6379 or unix:///path" }),
    passwordFile: field.path
      .optional()
      .meta({ description: "A file with the password in one line, mode 0600." }),
    caFile: field.path.optional().meta({ description: "Extra trust (PEM) for rediss://." }),
  })
  .transform((map) => ({ kind: "external" as const, ...map }));

const rewriteRule = z.strictObject({
  match: addressField.senderPattern.meta({
    description: "root@* (any domain), *@app01.internal (any name) or one address.",
    examples: ["root@*"],
  }),
  user: field.userName.optional().meta({
    description:
      "Only mail of this local user, and none whose user is not known. A user without a name in /etc/passwd is uid:1234.",
    examples: ["www-data"],
  }),
  to: addressField.pair.meta({
    description: "What it goes out as: an address or a pair that an account has.",
    examples: ["portal@lab.wisc.edu"],
  }),
});

const senders = z.strictObject({
  rewrite: z
    .array(rewriteRule)
    .max(1000)
    .prefault([])
    .meta({
      description: "For senders that no account has; the first match wins.",
      examples: [
        [
          { match: "root@*", to: "portal@lab.wisc.edu" },
          {
            match: "*@app01.internal",
            user: "www-data",
            to: { envelope: "bounces@lab.wisc.edu", header: "news@lab.wisc.edu" },
          },
        ],
      ],
    }),
  unknown: addressField.unknownSender.prefault("reject").meta({
    description:
      "For senders that no rule matches: reject, hold (accept and park, visible) or an address to send as.",
  }),
  keepOriginal: z.enum(["reply-to", "header", "none"]).prefault("reply-to").meta({
    description: "Where a rewritten From stays readable: reply-to, header (X-Original-From) or none.",
  }),
});

const recipients = z.strictObject({
  aliases: z
    .record(addressField.aliasKey, addressField.address)
    .prefault({})
    .meta({
      description: "An unqualified address is looked up as it is, then with @hostname.",
      examples: [{ root: "ops@lab.wisc.edu", "*@app01.internal": "ops@lab.wisc.edu" }],
    }),
});

const urgent = z.strictObject({
  headers: z
    .record(field.fieldName, field.text)
    .prefault({})
    .meta({
      description: "Mail with one of these header fields is urgent.",
      examples: [{ "X-Priority": "1" }],
    }),
  senders: z.array(addressField.address).max(1000).prefault([]).meta({
    description: "Mail from these addresses is urgent.",
  }),
  users: z.array(field.userName).max(1000).prefault([]).meta({
    description: "Mail of these local users is urgent.",
  }),
});

const retry = z.strictObject({
  first: field.duration("1s", "1d").prefault("1m").meta({ description: "The first wait after a deferral." }),
  max: field.duration("1s", "1d").prefault("1h").meta({ description: "The longest wait." }),
  expireAfter: field.duration("1m", "30d").prefault("4d").meta({
    description: "The age at which a message is given up.",
  }),
});

const notices = z.strictObject({
  failure: addressField.noticeTarget.prefault("sender").meta({
    description:
      "Who is told when mail is given up: sender (the envelope sender it went out with), an address, or none.",
  }),
  delayAfter: field.durationOrOff("1m", "30d").prefault("off").meta({
    description: "The age at which mail that is still being tried is told as late, once; or off.",
  }),
  from: addressField.address.optional().meta({
    description:
      "What notices, and MAIL FROM:<>, go out as; one of the addresses in accounts. Default: the first one there.",
    examples: ["portal@lab.wisc.edu"],
  }),
  perHour: z.int().min(0).max(10_000).prefault(20).meta({
    description: "Most notices in any 60 minutes; what is beyond is told in one digest.",
  }),
});

const keep = z.strictObject({
  history: field.duration("1h", "3650d").prefault("14d").meta({ description: "The journal." }),
  bounced: field.duration("1m", "365d").prefault("7d").meta({
    description: "How long a bounced message itself stays, to be retried.",
  }),
  usage: field.duration("1d", "3650d").prefault("400d").meta({
    description:
      "The usage ledger: numbers for each hour and sender. At least 366d where pace.perYear is set.",
  }),
  subjects: z.enum(["no", "yes"]).prefault("no").meta({
    description: "yes: the journal has the Subject of each message, and `sluice trace` shows it.",
  }),
});

const http = z.strictObject({
  listen: field.listenAddress.prefault("127.0.0.1:8025").meta({
    description:
      "Where status page, health and metrics are served; /healthz, /readyz and /metrics without a login.",
  }),
});

const log = z.strictObject({
  level: z.enum(["debug", "info", "warn", "error"]).prefault("info").meta({
    description: "debug, info, warn or error.",
  }),
  recipients: z.enum(["full", "hashed"]).prefault("full").meta({
    description:
      "full, or hashed: whom mail went to stands in the journal alone, the log has a hash and the domain.",
  }),
});

const request = z.strictObject({
  group: field.text.optional().meta({
    description: "The group that asks for the relay service.",
    examples: ["DoIT"],
  }),
  owner: field.text.optional().meta({
    description: "Who answers for the mail: the service owner.",
    examples: ["mail-team@lab.wisc.edu"],
  }),
  application: field.text.optional().meta({
    description: "What sends the mail.",
    examples: ["Portal"],
  }),
  audience: field.text.optional().meta({
    description: "Whom it is for.",
    examples: ["students"],
  }),
});

/** The whole config file; `z.input` is what a person writes, `z.output` what the program starts from. */
export const settingsSchema = z.strictObject({
  hostname: field.hostname.optional().meta({
    description: "EHLO and Received name. Default: this machine's full name.",
    examples: ["app01.lab.wisc.edu"],
  }),
  stateDir: field.path.prefault("/var/lib/sluice").meta({
    description: "Spool, journal and embedded Redis. $STATE_DIRECTORY comes first.",
  }),
  listen: listen.prefault({}).meta({ description: "The SMTP listener." }),
  limits: limits.prefault({}).meta({ description: "Bounds of what is accepted." }),
  redis: z.union([field.redisPlace, redisMap]).prefault("embedded").meta({
    description: "embedded, a URL (redis://, rediss://, unix:///path) or { url, passwordFile, caFile }.",
  }),
  upstream: upstream.meta({ description: "The authenticated relay that mail is delivered to." }),
  accounts: z.array(account).min(1).max(100).meta({ description: "One per relay credential." }),
  senders: senders.prefault({}).meta({ description: "Senders that are not an allowed pair." }),
  recipients: recipients.prefault({}).meta({ description: "Recipients at the listener." }),
  urgent: urgent.prefault({}).meta({ description: "Mail that goes before the rest." }),
  retry: retry.prefault({}).meta({ description: "Deferred mail." }),
  notices: notices
    .prefault({})
    .meta({ description: "Reports about mail that failed or is late, and mail without an envelope sender." }),
  keep: keep.prefault({}).meta({ description: "How long things stay." }),
  stopTimeout: field.duration("1s", "10m").prefault("30s").meta({
    description: "How long a stop waits for mail in hand.",
  }),
  http: z.union([field.off, http]).prefault({ listen: "127.0.0.1:8025" }).meta({
    description: "Status page, health and metrics; or off. `sluice status-url` prints a link to the page.",
  }),
  log: log.prefault({}).meta({ description: "The log on stdout." }),
  request: request.prefault({}).meta({
    description: "What only you know of the answers that `sluice request-sheet` prints.",
  }),
});

/** What the schema makes of a config file. */
export type Settings = z.output<typeof settingsSchema>;
