/**
 * The schema's half about the relay service: where it is, and the credentials there. schema.ts has the rest.
 *
 * Promises: as schema.ts. Refuses: as schema.ts.
 */
import * as z from "zod";
import { MEANINGS } from "../schedule/catalogue.ts";
import { STAGES } from "../schedule/outcome.ts";
import { domainPattern, pair } from "./address-fields.ts";
import * as field from "./fields.ts";
import { serviceNames } from "./presets.ts";

/** Where there can be a reply. */
const replyStages = STAGES.filter((stage) => stage !== "dns" && stage !== "connect");

/** What a reply of the relay service means, where its code says something else. */
const replyRule = z.strictObject({
  match: field.replyPattern.meta({
    description:
      "A regular expression on the whole reply, codes included, as the log shows it; ignores case.",
    examples: ["relay access denied"],
  }),
  stage: z
    .array(z.enum(replyStages))
    .min(1)
    .optional()
    .meta({
      description: `What the reply answers: ${replyStages.join(", ")} (tls is STARTTLS, dot the whole message). Default: anything.`,
      examples: [["rcpt", "dot"]],
    }),
  means: z.enum(MEANINGS).meta({
    description:
      "try-later (this message), slow-down (stops the account: a rate limit or quota), credential (stops the account), busy (stops everything), sender-not-allowed (stops the pair), recipient-refused (gives the recipient up), recipient-later, too-many-recipients (the rest goes next), refused (gives the message up).",
    examples: ["slow-down"],
  }),
  hint: field.text.optional().meta({
    description: "What to tell people about it.",
    examples: ["the hour's limit at the service is reached"],
  }),
});

/** Where mail is delivered to. */
export const upstream = z.strictObject({
  service: z
    .enum(serviceNames)
    .optional()
    .meta({
      description: "A preset for hosts, port, security and ciphers; every key overrides it.",
      examples: ["proofpoint-ser"],
    }),
  hosts: z
    .array(field.host)
    .min(1)
    .max(16)
    .optional()
    .meta({
      description: "The relay's hosts, tried in order. Needed when there is no service.",
      examples: [["smtp-us.ser.proofpoint.com"]],
    }),
  port: z
    .int()
    .min(1)
    .max(65_535)
    .prefault(587)
    .meta({ description: "465 goes with tls, 25 and 587 with starttls." }),
  security: z.enum(["starttls", "tls"]).prefault("starttls").meta({
    description: "starttls or tls (from the first byte). There is no plaintext.",
  }),
  ciphers: field.ciphers.optional().meta({
    description: "OpenSSL list of the ciphers for TLS 1.2. Default: the preset's, else Node's.",
    examples: ["ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"],
  }),
  caFile: field.path.optional().meta({
    description: "Extra trust (PEM). Verification cannot be turned off.",
    examples: ["/etc/sluice/ca.pem"],
  }),
  sessions: z
    .int()
    .min(1)
    .max(100)
    .prefault(4)
    .meta({ description: "Most sessions at once, all accounts together." }),
  messagesPerSession: z.int().min(1).max(100).prefault(100).meta({ description: "At most 100." }),
  static: z
    .array(field.ipAddress)
    .max(100)
    .prefault([])
    .meta({
      description: "The source addresses that are registered with the service.",
      examples: [["203.0.113.7"]],
    }),
  replies: z
    .array(replyRule)
    .max(100)
    .prefault([])
    .meta({
      description:
        "What replies of the service mean by their words, before its preset and sluice's own rules; the first match wins. Timeouts, lost connections and 421 never count against a message.",
      examples: [[{ match: "relay access denied", stage: ["rcpt"], means: "slow-down" }]],
    }),
});

const pace = z.union([
  field.unlimited,
  z.strictObject({
    perHour: z
      .int()
      .min(2)
      .max(100_000_000)
      .meta({
        description: "Messages in ANY 60 minutes, over every host that shares Redis.",
        examples: [2000],
      }),
    burst: z
      .int()
      .min(1)
      .optional()
      .meta({
        description: "May go at once after a quiet spell; inside perHour. Default: 1 % of it, at least 1.",
        examples: [20],
      }),
    recipientsPerHour: z
      .int()
      .min(2)
      .max(1_000_000_000)
      .optional()
      .meta({
        description:
          "Recipients in ANY 60 minutes. One hundredth of it, but at least a transaction, may go at once.",
        examples: [10_000],
      }),
    bytesPerHour: field
      .size("20KB", "100TB")
      .optional()
      .meta({
        description:
          "Bytes in ANY 60 minutes. One hundredth of it, but at least the largest message, may go at once.",
        examples: ["500MB"],
      }),
    urgentShare: field.percent.prefault("0%").meta({
      description: "The part of perHour that only urgent mail may use.",
    }),
    perYear: z
      .strictObject({
        messages: z
          .int()
          .min(1)
          .max(1_000_000_000_000)
          .optional()
          .meta({
            description: "Messages in a contract year.",
            examples: [5_000_000],
          }),
        bytes: field
          .size("1MB", "1000000TB")
          .optional()
          .meta({
            description: "Bytes in a contract year.",
            examples: ["200GB"],
          }),
        starts: field.monthDay.prefault("01-01").meta({
          description: "The first day of the contract year, MM-DD.",
          examples: ["07-01"],
        }),
        at: z.enum(["warn", "hold"]).prefault("warn").meta({
          description:
            "When it is used up: warn, or hold bulk mail until the next year begins or this is raised.",
        }),
      })
      .optional()
      .meta({ description: "What the contract's year holds, over every host that shares Redis." }),
  }),
]);

/** One credential, what it may send, and how fast. */
export const account = z.strictObject({
  name: field.accountName.meta({
    description: "Yours to choose; it appears in logs, metrics and Redis keys.",
    examples: ["portal"],
  }),
  username: field.text.meta({
    description: "The credential's user name. It is usually not an e-mail address.",
    examples: ["6f1c2c1e"],
  }),
  passwordFile: field.path.meta({
    description: `A file with the password in one line, mode 0600; or \${CREDENTIALS_DIRECTORY}/portal.`,
    examples: ["/etc/sluice/portal.password"],
  }),
  senders: z
    .array(pair)
    .min(1)
    .max(100)
    .meta({
      description:
        "What mail may go out as: an address (envelope and header From alike) or a pair. At most 10 distinct addresses, both halves counted; no whole domains; a pair belongs to one account.",
      examples: [["portal@lab.wisc.edu", { envelope: "bounces@lab.wisc.edu", header: "news@lab.wisc.edu" }]],
    }),
  recipients: z
    .strictObject({
      allowDomains: z.array(domainPattern).max(10_000).prefault([]).meta({
        description: 'E.g. [wisc.edu, "*.wisc.edu"], for programs that handle PHI. Empty: everywhere.',
      }),
    })
    .prefault({})
    .meta({ description: "Whom this account may write to." }),
  pace: pace.meta({
    description: "How fast mail goes out. Must be said, if only `pace: unlimited`.",
    examples: [{ perHour: 2000, burst: 20 }],
  }),
});
